"""Slack's rate limits: calls per method and minute, and messages per channel and second."""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from evalbot.playground.clock import Clock


class Tier(Enum):
    """Calls per minute of one method in one workspace; SPECIAL ones are limited elsewhere or generously."""

    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    SPECIAL = 600


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class RateLimits:
    """Counts calls on the movable clock. burst: how many messages a channel takes at once before 1 per second holds."""

    clock: Clock
    enabled: bool = True
    burst: int = 3
    workspace_posts_per_minute: int = 300
    unlisted_history: bool = False
    _calls: dict[str, deque[float]] = field(default_factory=dict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait_for_call(self, method: str, tier: Tier) -> int:
        """Count a call; return 0 when it may go on, else the seconds to wait (and the call is not counted)."""
        per_minute = tier.value
        if self.unlisted_history and method in ("conversations.history", "conversations.replies"):
            per_minute = 1
        return self._wait_in_window(method, per_minute)

    def wait_for_post(self, channel: str) -> int:
        """Count a message; return 0 when the channel takes it, else the seconds to wait."""
        if not self.enabled:
            return 0
        return self._wait_in_bucket(channel, self.burst) or self._wait_in_window(
            "posts", self.workspace_posts_per_minute
        )

    def wait_for_hook(self, url: str) -> int:
        """Count a post to a response url; return 0 or the seconds to wait."""
        return self._wait_in_bucket(f"hook {url}", self.burst) if self.enabled else 0

    def _wait_in_window(self, key: str, per_minute: int) -> int:
        if not self.enabled:
            return 0
        now = self.clock.now()
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= per_minute:
            return max(1, math.ceil(calls[0] + 60 - now))
        calls.append(now)
        return 0

    def _wait_in_bucket(self, key: str, size: int) -> int:
        now = self.clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(float(size), now))
        bucket.tokens = min(float(size), bucket.tokens + now - bucket.at)
        bucket.at = now
        if bucket.tokens < 1:
            return max(1, math.ceil(1 - bucket.tokens))
        bucket.tokens -= 1
        return 0
