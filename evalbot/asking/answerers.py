"""Opening answerers: which way a target is asked, by its provider. openai and LangChain are imported at the first question."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from rapidfuzz import process

from evalbot.asking.ask import Answerer
from evalbot.asking.callables import PythonFunction
from evalbot.asking.cost import list_price
from evalbot.asking.echo import Echo
from evalbot.asking.langchain_chat import LangChainChat, Listed, make_model
from evalbot.asking.late import LateAnswerer
from evalbot.asking.permits import AnyNumber, OwnPermits, Permits
from evalbot.asking.project_code import ProjectCode
from evalbot.asking.replay import Replay, find_recording
from evalbot.asking.target_config import TargetConfig, read_config
from evalbot.asking.throttle import Limits, Throttle
from evalbot.errors import BadRequest
from evalbot.suites.targets import Target

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from evalbot.asking.http_config import AppConfig

OPENAI_URL = "https://api.openai.com/v1"
MOST_AT_ONCE = 500
LINE_FACTOR = 5.0
"""How much longer than its deadline a call may stand in line while the target limits requests."""
FIRST_WAIT_S = 0.5
"""How long to wait before asking again after a failure, at first; less where the deadline is short."""

LANGCHAIN = {
    "anthropic": ("anthropic", "langchain_anthropic", "anthropic"),
    "azure": ("azure_openai", "langchain_openai", "azure"),
    "bedrock": ("bedrock_converse", "langchain_aws", "aws"),
    "cohere": ("cohere", "langchain_cohere", "cohere"),
    "deepseek": ("deepseek", "langchain_deepseek", "deepseek"),
    "fireworks": ("fireworks", "langchain_fireworks", "fireworks"),
    "google": ("google_genai", "langchain_google_genai", "google"),
    "groq": ("groq", "langchain_groq", "groq"),
    "huggingface": ("huggingface", "langchain_huggingface", None),
    "mistral": ("mistralai", "langchain_mistralai", "mistral"),
    "ollama": ("ollama", "langchain_ollama", None),
    "openrouter": ("openrouter", "langchain_openrouter", "openrouter"),
    "perplexity": ("perplexity", "langchain_perplexity", "perplexity"),
    "together": ("together", "langchain_together", "together"),
    "vertexai": ("google_vertexai", "langchain_google_vertexai", "google"),
    "xai": ("xai", "langchain_xai", "x-ai"),
}
"""By provider: LangChain's name for it, the module of its package, and its name in the price list (None: no price)."""

WITHOUT_RETRIES = frozenset({"bedrock_converse", "cohere", "huggingface", "ollama"})
"""LangChain providers whose models know no `max_retries`; all others are told not to retry, since we do."""

WITHOUT_KEY = frozenset({"ollama"})
"""LangChain providers that need no key; all others would send the one they find in the environment to any address."""

ALIASES = {
    **{lc: ours for ours, (lc, _, _) in LANGCHAIN.items()},
    "vllm": "openai-compatible",
    "openai_compatible": "openai-compatible",
    "langchain_openai": "langchain-openai",
}
PROVIDERS = (
    "openai",
    "openai-compatible",
    "echo",
    "replay",
    "http",
    "python",
    "langchain",
    "langchain-openai",
    *LANGCHAIN,
)
OWN_KINDS = frozenset({"echo", "replay", "http", "python", "langchain"})
"""Providers whose targets are the team's own: an address, a file or code, which no figure should name."""

NEED_NO_MODEL = frozenset({"echo", "replay", "http"})
CODE_AT_ONCE = 16
"""How many calls of the project's own code go on at once unless its config says otherwise."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line in front of a target; `label` is its provider and model, and holds no address."""

    label: str
    throttle: Throttle


class ModelAnswerers:
    """Opens one answerer per target and keeps it until closed: targets with the same id and config share one, whatever prompt
    they are asked with.

    `openai_base_url` and `openai_api_key` are the operator's. The key goes to that address alone: a target with an address of
    its own needs a key of its own, named by `api_key_env`. `environment` is where such names are looked up. `stated` puts the
    operator's price into a target's config. `permits` gives those of an endpoint by its name and calls per second, None for
    any number.
    """

    def __init__(
        self,
        openai_base_url: str | None,
        openai_api_key: SecretStr | str | None,
        project_folder: Path,
        deadline_s: float = 60,
        max_bytes: int = 2_000_000,
        retries: int = 2,
        environment: Mapping[str, str] | None = None,
        stated: Callable[[Target], Target] = lambda target: target,
        permits: Callable[[str, float | None], Permits] | None = None,
    ) -> None:
        self._base_url = openai_base_url
        self._api_key = SecretStr(openai_api_key) if isinstance(openai_api_key, str) else openai_api_key
        self._project_folder = project_folder
        self._code = ProjectCode(project_folder)
        self._limits = _limits(deadline_s, retries, max_bytes)
        self._environment = os.environ if environment is None else environment
        self._stated = stated
        self._permits = permits or own_permits
        self._open: dict[str, Answerer] = {}
        self._lines: list[Line] = []
        self._shared: dict[tuple[str, float | None], Permits] = {}

    def answerer(self, target: Target) -> Answerer:
        """Give the answerer of a target; raises BadRequest for a provider, model or config that cannot be asked."""
        known = self._open.get(target.endpoint)
        if known is None:
            known = self._open[target.endpoint] = self._make(self._stated(target))
        return known

    @property
    def lines(self) -> Sequence[Line]:
        """The lines in front of the targets that were asked for so far."""
        return self._lines

    async def close(self) -> None:
        """Close every answerer."""
        opened = list(self._open.values())
        self._open.clear()
        for answerer in opened:
            await answerer.close()

    def _make(self, target: Target) -> Answerer:
        """Open an answerer by the target's provider."""
        provider = _provider(target)
        if provider not in PROVIDERS:
            raise _unknown_provider(target)
        if not target.model and provider not in NEED_NO_MODEL:
            what = "MODULE:FUNCTION" if target.runs_code else "MODEL"
            raise BadRequest(f"Target {target.label} names no {what.lower()}.", f"Write it as {provider}:{what}.")
        if provider == "http":
            return self._make_http(target)
        config = read_config(target, self._environment)
        makers: dict[str, Callable[[Target, TargetConfig], Answerer]] = {
            "echo": lambda target, config: Echo(),
            "replay": self._make_replay,
            "openai": self._make_openai,
            "openai-compatible": self._make_openai,
            "langchain-openai": self._make_langchain_openai,
            "python": self._make_python,
            "langchain": self._make_runnable,
        }
        return makers.get(provider, self._make_langchain)(target, config)

    def _make_replay(self, target: Target, config: TargetConfig) -> Answerer:
        return Replay(find_recording(self._project_folder, target.model), target.model)

    def _make_http(self, target: Target) -> Answerer:
        """Open the team's own app."""
        from evalbot.asking.http_config import read_app_config  # JMESPath is seldom needed

        config = read_app_config(target, self._environment)
        limits = self._limits_of(config.timeout_s)
        throttle = self._throttle(target, config)

        def make() -> Answerer:
            from evalbot.asking.http_app import HttpApp

            return HttpApp(config, limits, throttle, target.label)

        return LateAnswerer(make)

    def _make_python(self, target: Target, config: TargetConfig) -> Answerer:
        """Open a function of the project folder."""
        if config.parameters:
            key = next(iter(config.parameters))
            raise BadRequest(f"Target {target.label} has an unknown key {key[:60]!r} in its config.", "Remove it.")
        limits, throttle = self._limits_of(config.timeout_s), self._throttle(target, config, CODE_AT_ONCE)
        return PythonFunction(self._code, target.model, limits, throttle, config.system)

    def _make_runnable(self, target: Target, config: TargetConfig) -> Answerer:
        """Open a LangChain runnable of the project folder."""
        self._code.find(target.model)
        limits, throttle = self._limits_of(config.timeout_s), self._throttle(target, config, CODE_AT_ONCE)

        def make() -> Answerer:
            from evalbot.asking.langchain_runnable import LangChainRunnable

            return LangChainRunnable(self._code, target.model, config, limits, throttle)

        return LateAnswerer(make)

    def _make_openai(self, target: Target, config: TargetConfig) -> Answerer:
        """Open a chat completions endpoint."""
        base_url, key = self._address(target, config)
        limits, throttle = self._limits_of(config.timeout_s), self._throttle(target, config, base_url=base_url)
        priced_as = "openai" if _provider(target) == "openai" and config.base_url is None else None

        def make() -> Answerer:
            from evalbot.asking.openai_chat import Endpoint, OpenAIChat

            _look_up_price(priced_as, target.model)
            return OpenAIChat(Endpoint(target.model, base_url, key, priced_as), config, limits, throttle)

        return LateAnswerer(make)

    def _make_langchain_openai(self, target: Target, config: TargetConfig) -> Answerer:
        """Open an OpenAI model by way of LangChain."""
        base_url, key = self._address(target, config)
        deadline_s = self._limits_of(config.timeout_s).deadline_s

        def make() -> BaseChatModel:
            from langchain_openai import ChatOpenAI
            from openai import DefaultAioHttpClient

            return ChatOpenAI(
                model=target.model,
                base_url=base_url,
                api_key=SecretStr(key or "none"),
                max_retries=0,
                timeout=deadline_s,
                use_responses_api=False,
                http_async_client=DefaultAioHttpClient(follow_redirects=False),
                **dict(config.parameters),
            )

        listed = Listed("openai" if config.base_url is None else None, target.model)
        return self._langchain(make, listed, config, key, self._throttle(target, config, base_url=base_url))

    def _make_langchain(self, target: Target, config: TargetConfig) -> Answerer:
        """Open any other provider by way of LangChain; its package must be installed."""
        name, module, priced_as = LANGCHAIN[_provider(target)]
        if find_spec(module) is None:
            raise BadRequest(
                f"Target {target.label} needs a package that is not installed.",
                f"Install it with `pip install {module.replace('_', '-')}`.",
            )
        key = self._key_named(config)
        if key and self._api_key and key == self._api_key.get_secret_value():
            raise BadRequest(f"Target {target.label} would send the OpenAI key to another host.", "Name its own key.")
        if config.base_url and not key and name not in WITHOUT_KEY:
            raise BadRequest(
                f"Target {target.label} has an address of its own but no key of its own.",
                "Name its key with api_key_env.",
            )
        options: dict[str, Any] = {} if name in WITHOUT_RETRIES else {"max_retries": 0}
        options |= config.parameters
        options |= {"api_key": key} if key else {}
        options |= {"base_url": config.base_url} if config.base_url else {}

        def make() -> BaseChatModel:
            from langchain.chat_models import init_chat_model

            model: BaseChatModel = init_chat_model(target.model, model_provider=name, **options)
            return model

        listed = Listed(None if config.base_url else priced_as, target.model)
        return self._langchain(
            make, listed, config, key, self._throttle(target, config, base_url=config.base_url or "")
        )

    def _langchain(
        self,
        make: Callable[[], BaseChatModel],
        listed: Listed,
        config: TargetConfig,
        key: str | None,
        throttle: Throttle,
    ) -> Answerer:
        """Give an answerer that makes its LangChain model at the first question."""
        limits = self._limits_of(config.timeout_s)

        def make_chat() -> Answerer:
            _look_up_price(listed.provider, listed.model)
            return LangChainChat(make_model(make), listed, config, limits, throttle, (key,) if key else ())

        return LateAnswerer(make_chat)

    def _throttle(
        self, target: Target, config: TargetConfig | AppConfig, at_once: int = MOST_AT_ONCE, base_url: str = ""
    ) -> Throttle:
        """Give the line in front of a target, with the permits of its endpoint: targets of one model and address share them."""
        provider = _provider(target)
        digest = hashlib.blake2b(f"{target.id}\n{base_url}".encode(), digest_size=8).hexdigest()
        per_s = None if config.requests_per_minute is None else config.requests_per_minute / 60
        endpoint = (f"{provider}:{digest}", per_s)
        if endpoint not in self._shared:
            self._shared[endpoint] = self._permits(*endpoint)
        throttle = Throttle(config.max_concurrency or at_once, permits=self._shared[endpoint])
        label = provider if provider in OWN_KINDS else f"{provider}:{target.model}"[:80]
        self._lines.append(Line(label, throttle))
        return throttle

    def _limits_of(self, timeout_s: float | None) -> Limits:
        """Give the limits of a target: its own timeout before the operator's."""
        if timeout_s is None:
            return self._limits
        return _limits(timeout_s, self._limits.retries, self._limits.max_bytes)

    def _address(self, target: Target, config: TargetConfig) -> tuple[str, str | None]:
        """Give base URL and key of an OpenAI-like target. A key never goes to another host than its own."""
        own = self._base_url or OPENAI_URL
        operator_key = self._api_key.get_secret_value() if self._api_key else None
        url = config.base_url or (self._base_url if _provider(target) == "openai-compatible" else own)
        if url is None:
            raise BadRequest(f"Target {target.label} has no address.", "Set base_url in its config.")
        key = self._key_named(config)
        same_place = _place(url) == _place(own)
        if key and key == operator_key and not same_place:
            raise BadRequest(
                f"Target {target.label} would send the OpenAI key to another host.",
                "Give it a key of its own with api_key_env.",
            )
        if key is None and same_place:
            key = operator_key
        if key is None and url == OPENAI_URL:
            raise BadRequest(f"Target {target.label} needs an OpenAI key.", "Set OPENAI_API_KEY.")
        return url, key

    def _key_named(self, config: TargetConfig) -> str | None:
        """Look up the key that the config names."""
        if config.api_key_env is None:
            return None
        key = self._environment.get(config.api_key_env)
        if not key:
            raise BadRequest(
                f"The environment variable {config.api_key_env} is not set.", "Set it, or correct api_key_env."
            )
        return key


def _look_up_price(provider: str | None, model: str) -> None:
    """Read the price list now, in the thread that makes the answerer, rather than at the first answer."""
    if provider is not None:
        list_price(provider, model)


def _provider(target: Target) -> str:
    """Give our name of a target's provider."""
    return ALIASES.get(target.provider, target.provider)


def _limits(deadline_s: float, retries: int, max_bytes: int) -> Limits:
    """Give the limits that go with a deadline."""
    return Limits(deadline_s, deadline_s * LINE_FACTOR, retries, max_bytes, min(FIRST_WAIT_S, deadline_s / 60))


def own_permits(endpoint: str, per_s: float | None) -> Permits:
    """Give the permits of an endpoint that this process alone asks."""
    return AnyNumber() if per_s is None else OwnPermits(per_s)


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Give what must be equal for a key to be sent: scheme, host and port."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise BadRequest(f"The base URL {url} has no valid port.", "Correct it.") from None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def _unknown_provider(target: Target) -> BadRequest:
    """Name the nearest provider."""
    near = process.extractOne(target.provider, PROVIDERS, score_cutoff=60)
    nearest = f"Did you mean `{near[0]}`?" if near else f"Known are {', '.join(sorted(PROVIDERS))}."
    return BadRequest(f"There is no provider {target.provider!r} (target {target.label}).", nearest)
