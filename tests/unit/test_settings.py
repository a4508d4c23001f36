"""Settings: where they come from, what a wrong one says, and that secrets stay secret."""

from pathlib import Path

import pytest

from evalbot.errors import BadSetting
from evalbot.people import Role
from evalbot.settings import Settings, TokenPrice, load_settings

SECRET = "xoxb-1234-secret"
NAMES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in an empty folder without any variable of ours."""
    for name in (*NAMES, *(f"EVALBOT_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_need_nothing() -> None:
    """Without any variable or file there is a local database and no secret."""
    settings = load_settings()
    assert settings.database_url == "sqlite+aiosqlite:///evalbot.db"
    assert settings.slack_bot_token is settings.openai_api_key is None
    assert (settings.command, settings.log_level, settings.admin_ids) == ("/evalbot", "INFO", ())


@pytest.mark.parametrize("name", NAMES)
def test_well_known_names_are_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's and OpenAI's own variables work under their own names; an empty one counts as unset."""
    monkeypatch.setenv(name, "https://example.test/")
    found = getattr(load_settings(), name.lower())
    assert (found if isinstance(found, str) else found.get_secret_value()) == "https://example.test/"
    monkeypatch.setenv(name, "")
    assert load_settings() == Settings()


def test_arguments_come_before_the_environment_and_that_before_the_file(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest word wins; the file may use the plain names of secrets too."""
    (clean / "evalbot.toml").write_text('port = 1\nhost = "file"\nadmins = "U1"\nslack_bot_token = "xoxb-file"\n')
    monkeypatch.setenv("EVALBOT_PORT", "2")
    monkeypatch.setenv("EVALBOT_HOST", "environment")
    settings = load_settings(port=3)
    assert (settings.port, settings.host, settings.admins) == (3, "environment", "U1")
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-file"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("EVALBOT_PORT", "port-of-call", "The setting port is wrong: "),
        ("EVALBOT_PORT", "70000", "less than or equal to 65535. Correct EVALBOT_PORT, or port in evalbot.toml."),
        ("EVALBOT_CALL_DEADLINE_S", "0", "greater than 0"),
        ("EVALBOT_CALL_DEADLINE_S", "inf", "finite number"),
        ("EVALBOT_BUDGET_RUN", "-1", "The setting budget_run is wrong: Input should be greater than 0"),
        ("EVALBOT_BUDGET_DAY", "lots", "The setting budget_day is wrong: "),
        ("EVALBOT_APPROVAL_ABOVE", "nan", "finite number"),
        ("EVALBOT_PRICES", "{cheap}", "The setting prices is no JSON."),
        ("EVALBOT_PRICES", '{"openai:x": {"input": -3, "output": 1}}', "The setting prices is wrong: "),
        ("EVALBOT_PRICES", '{"openai:x": {"inputs": 3}}', "The setting prices is wrong: "),
        ("EVALBOT_DEFAULT_ROLE", "emperor", "'outsider', 'viewer', 'grader', 'runner', 'approver' or 'admin'"),
        ("EVALBOT_LOG_LEVEL", "chatty", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'. Correct EVALBOT_LOG_LEVEL"),
    ],
)
def test_wrong_value_is_named_and_never_echoed(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which setting, what it may be and where to correct it; what was there may be a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting) as error:
        load_settings()
    assert said in str(error.value)
    assert value not in str(error.value).replace("greater than 0", "")
    assert error.value.__cause__ is None


def test_unknown_setting_of_the_file_is_named(clean: Path) -> None:
    """A misspelt name is an error, not silence."""
    (clean / "evalbot.toml").write_text(f'slack_bot_tokn = "{SECRET}"\n')
    with pytest.raises(BadSetting, match="There is no setting slack_bot_tokn") as error:
        load_settings()
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (f'port = 1\nslack_bot_token = "{SECRET}'.encode(), "Mend it at end of document."),
        (f"slack_bot_token = {SECRET}".encode(), "Mend it at line 1, column "),
        (b'host = "\xff\xfe"', "Save it as UTF-8"),
    ],
)
def test_file_that_is_not_toml_is_placed_and_not_quoted(clean: Path, content: bytes, where: str) -> None:
    """A broken file stops the start with line and column, without the text that stands there."""
    (clean / "evalbot.toml").write_bytes(content)
    with pytest.raises(BadSetting, match=r"evalbot\.toml is not TOML") as error:
        load_settings()
    assert where in str(error.value)
    assert SECRET not in str(error.value)


def test_secrets_are_hidden_when_settings_are_printed() -> None:
    """Neither tokens nor the password of the database show in a log line."""
    settings = load_settings(
        slack_bot_token=SECRET,
        slack_app_token=SECRET,
        slack_signing_secret=SECRET,
        openai_api_key=SECRET,
        database_url=f"postgresql+psycopg://evalbot:{SECRET}@db/evalbot",
    )
    assert SECRET not in f"{settings!r} {settings}"


def test_small_forms_are_made_even(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing slash, blanks in a list and letter case do no harm."""
    monkeypatch.setenv("EVALBOT_ADMINS", " U1, U2 ,,")
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("EVALBOT_LOG_LEVEL", "debug")
    monkeypatch.setenv("EVALBOT_DEFAULT_ROLE", "viewer")
    settings = load_settings()
    assert settings.admin_ids == ("U1", "U2")
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert (settings.log_level, settings.default_role) == ("DEBUG", Role.VIEWER)


def test_budgets_and_prices_come_from_file_and_environment(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amounts are dollars; prices are dollars for a million tokens, by provider and model."""
    (clean / "evalbot.toml").write_text('budget_run = 2.5\n[prices."vllm:ours"]\ninput = 0.4\noutput = 1.6\n')
    monkeypatch.setenv("EVALBOT_BUDGET_DAY", "20")
    settings = load_settings()
    assert (settings.budget_run, settings.budget_day, settings.budget_person_day) == (2.5, 20.0, None)
    assert settings.prices == {"vllm:ours": TokenPrice(input=0.4, output=1.6)}
    monkeypatch.setenv("EVALBOT_PRICES", '{"openai:x": {"input": 1, "output": 2}}')
    assert load_settings().prices["openai:x"] == TokenPrice(input=1, output=2)
