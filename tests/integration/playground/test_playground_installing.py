"""OAuth, the second workspace, the end of an installation, and the app's manifest."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground

BACK = "http://127.0.0.1:9/callback"
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")


async def refusal(action: Any) -> str:
    """Return the error code a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await action
    return str(caught.value.response["error"])


def secrets_of(playground: Playground) -> dict[str, str]:
    """Return what an app proves itself with."""
    return {"client_id": playground.client_id, "client_secret": playground.client_secret}


async def allowed(session: aiohttp.ClientSession, playground: Playground, **query: str) -> str:
    """Let a person allow the app in the browser and return the code that comes back."""
    given = {"client_id": playground.client_id, "redirect_uri": BACK, "state": "s1", **query}
    url = f"{playground.base_url}/oauth/v2/authorize"
    async with session.get(url, params=given, allow_redirects=False) as response:
        assert response.status == 302
        back = parse_qs(urlsplit(response.headers["Location"]).query)
    assert back["state"] == ["s1"]
    return back["code"][0]


async def test_code_is_exchanged_once(
    client: AsyncWebClient, session: aiohttp.ClientSession, playground: Playground
) -> None:
    """Wrong secrets, another redirect and a used code are refused; the right call gives the bot's token."""
    code = await allowed(session, playground)
    wrong = secrets_of(playground) | {"client_secret": "no"}
    assert await refusal(client.oauth_v2_access(**wrong, code=code)) == "bad_client_secret"
    assert await refusal(client.oauth_v2_access(client_id="1.2", client_secret="x", code=code)) == "invalid_client_id"
    other = client.oauth_v2_access(**secrets_of(playground), code=code, redirect_uri="http://other")
    assert await refusal(other) == "bad_redirect_uri"
    code = await allowed(session, playground)
    granted = await client.oauth_v2_access(**secrets_of(playground), code=code, redirect_uri=BACK)
    assert granted["access_token"] == playground.bot_token
    assert granted["team"]["id"] == "T0ACME001"
    again = client.oauth_v2_access(**secrets_of(playground), code=code, redirect_uri=BACK)
    assert await refusal(again) == "invalid_code"
    late = await allowed(session, playground)
    playground.clock.advance(601)
    assert (
        await refusal(client.oauth_v2_access(**secrets_of(playground), code=late, redirect_uri=BACK)) == "invalid_code"
    )


async def test_authorize_page_refuses_strangers(session: aiohttp.ClientSession) -> None:
    """An unknown client and a redirect that the app does not list go nowhere."""
    async with Playground(features={"redirect_urls": ("https://bot.example/",)}) as playground:
        url = f"{playground.base_url}/oauth/v2/authorize"
        for query in ({"client_id": "1"}, {"client_id": playground.client_id, "redirect_uri": BACK}):
            async with session.get(url, params=query, allow_redirects=False) as response:
                assert response.status == 400


async def test_rotated_tokens_end_and_are_refreshed(session: aiohttp.ClientSession) -> None:
    """With rotation a token ends after twelve hours; a refresh token gives the next one, once."""
    async with Playground(features={"rotates": True}) as playground:
        client = AsyncWebClient(base_url=playground.api_url)
        code = playground.oauth_code("dana")
        first = await client.oauth_v2_access(**secrets_of(playground), code=code)
        assert first["expires_in"] == 43_200
        assert (await client.auth_test(token=first["access_token"]))["team_id"] == "T0ACME001"
        playground.clock.advance(43_201)
        assert await refusal(client.auth_test(token=first["access_token"])) == "token_expired"
        refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = await client.oauth_v2_access(**secrets_of(playground), **refresh)
        assert (await client.auth_test(token=second["access_token"]))["ok"]
        assert await refusal(client.oauth_v2_access(**secrets_of(playground), **refresh)) == "invalid_refresh_token"
        odd = client.oauth_v2_access(**secrets_of(playground), grant_type="password")
        assert await refusal(odd) == "invalid_grant_type"


async def test_second_workspace_is_a_world_of_its_own(
    client: AsyncWebClient, raw_app: Any, playground: Playground
) -> None:
    """Before it is installed its token is refused; then its events come with its team, and its channels are apart."""
    await raw_app.connect()
    await raw_app.read()
    elsewhere = playground.emulation.neighbours()[0].app.bot_token
    assert await refusal(client.auth_test(token=elsewhere)) == "invalid_auth"
    await playground.emulation.neighbours()[0].delivery.wait_quiet()
    installed = playground.install_elsewhere()
    other = AsyncWebClient(token=installed["bot_token"], base_url=playground.api_url)
    assert (await other.auth_test())["team_id"] == installed["team_id"] != "T0ACME001"
    nora = playground.driver("nora")
    ts = await nora.mention("#answers", "how are we doing?")
    envelopes = [await raw_app.read() for _ in range(2)]
    for envelope in envelopes:
        await raw_app.ack(envelope)
    assert {one["payload"]["team_id"] for one in envelopes} == {installed["team_id"]}
    assert envelopes[0]["payload"]["authorizations"][0]["user_id"] == (await other.auth_test())["user_id"]
    assert await refusal(client.chat_postMessage(channel=installed["channels"]["answers"], text="x")) == (
        "channel_not_found"
    )
    await other.chat_postMessage(channel=installed["channels"]["answers"], thread_ts=ts, text="well")
    await nora.see_message("#answers", "well", thread=ts)
    names = {one["name"] for one in (await nora.do("whoami"))["people"]}
    assert names == {"nora", "omar", "evalbot"}


async def test_command_in_the_second_workspace_answers_there(raw_app: Any, playground: Playground) -> None:
    """A response url and a trigger of the second workspace lead back to it."""
    playground.install_elsewhere()
    await raw_app.connect()
    await raw_app.read()
    nora = playground.driver("nora")
    running = asyncio.create_task(nora.slash("/evalbot help", "#answers"))
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    await running
    assert envelope["payload"]["team_id"] == "T0GLOBEX1"
    async with raw_app.session.post(envelope["payload"]["response_url"], json={"text": "Here you are"}) as response:
        assert response.status == 200
    await nora.see_ephemeral("#answers", "Here you are")


async def test_uninstalled_app_hears_of_it_and_is_out(
    client: AsyncWebClient, raw_app: Any, playground: Playground
) -> None:
    """tokens_revoked and app_uninstalled come, and the token is dead; installing again revives it."""
    await raw_app.connect()
    await raw_app.read()
    assert await refusal(client.apps_uninstall(client_id="1", client_secret="2")) == "invalid_client_id"
    await client.apps_uninstall(**secrets_of(playground))
    events = [await raw_app.read() for _ in range(2)]
    for envelope in events:
        await raw_app.ack(envelope)
    assert {one["payload"]["event"]["type"] for one in events} == {"tokens_revoked", "app_uninstalled"}
    assert await refusal(client.auth_test()) == "account_inactive"
    await client.oauth_v2_access(**secrets_of(playground), code=playground.oauth_code("dana"))
    assert (await client.auth_test())["ok"]


async def test_manifests_are_checked_for_a_configuration_token(client: AsyncWebClient, playground: Playground) -> None:
    """The bot's token is refused; a good manifest is taken and a bad one comes back with its problems."""
    good = {"display_information": {"name": "x"}}
    bad: dict[str, Any] = {"display_information": {}}
    assert await refusal(client.apps_manifest_validate(manifest=json.dumps(good))) == "not_allowed_token_type"
    owner = AsyncWebClient(token=playground.emulation.app.config_token, base_url=playground.api_url)
    assert (await owner.apps_manifest_validate(manifest=json.dumps(good)))["errors"] == []
    with pytest.raises(SlackApiError) as caught:
        await owner.apps_manifest_validate(manifest=json.dumps(bad))
    assert caught.value.response["error"] == "invalid_manifest"
    assert caught.value.response["errors"][0]["pointer"] == "/display_information"
    assert await refusal(owner.apps_manifest_validate(manifest="{")) == "invalid_manifest"
