"""Settings: environment variables, then evalbot.toml, then defaults; built once and passed on."""

from __future__ import annotations

import re
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from evalbot.errors import BadSetting
from evalbot.people import Role


class TokenPrice(BaseModel):
    """US dollars for a million tokens in and out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class Settings(BaseSettings):
    """What an operator can set. Slack's and OpenAI's own variables keep their well-known names; the rest start with EVALBOT_."""

    model_config = SettingsConfigDict(
        env_prefix="EVALBOT_", toml_file="evalbot.toml", extra="forbid", populate_by_name=True, env_ignore_empty=True
    )

    database_url: str = Field("sqlite+aiosqlite:///evalbot.db", repr=False)
    project: Path = Path()
    assets: Path | None = None
    slack_bot_token: SecretStr | None = Field(None, validation_alias=AliasChoices("SLACK_BOT_TOKEN", "slack_bot_token"))
    slack_app_token: SecretStr | None = Field(None, validation_alias=AliasChoices("SLACK_APP_TOKEN", "slack_app_token"))
    slack_signing_secret: SecretStr | None = Field(
        None, validation_alias=AliasChoices("SLACK_SIGNING_SECRET", "slack_signing_secret")
    )
    slack_api_url: str = Field(
        "https://slack.com/api/", validation_alias=AliasChoices("SLACK_API_URL", "slack_api_url")
    )
    openai_base_url: str | None = Field(None, validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"))
    openai_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"))
    host: str = "0.0.0.0"
    port: int = Field(3000, ge=0, le=65535)
    command: str = "/evalbot"
    default_role: Role = Role.APPROVER
    admins: str = ""
    stewards_channel: str = ""
    cache: bool = False
    cache_days: float = Field(30.0, gt=0, le=3650, allow_inf_nan=False)
    cache_mb: float = Field(500.0, gt=0, le=1_000_000, allow_inf_nan=False)
    call_deadline_s: float = Field(120.0, gt=0, allow_inf_nan=False)
    budget_run: float | None = Field(None, gt=0, le=1_000_000, allow_inf_nan=False)
    budget_person_day: float | None = Field(None, gt=0, le=1_000_000, allow_inf_nan=False)
    budget_day: float | None = Field(None, gt=0, le=1_000_000, allow_inf_nan=False)
    budget_workspace_month: float | None = Field(None, gt=0, le=1_000_000, allow_inf_nan=False)
    approval_above: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)
    prices: dict[str, TokenPrice] = Field(default_factory=dict)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    engine: Literal["embedded", "procrastinate"] = "embedded"
    worker_stall_s: float = Field(30.0, ge=1, le=3600, allow_inf_nan=False)

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("log_format", "engine", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def admin_ids(self) -> tuple[str, ...]:
        """The Slack ids of admins, from a comma-separated list."""
        return tuple(one.strip() for one in self.admins.split(",") if one.strip())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def project_folder(settings: Settings, shipped: Path) -> Path:
    """Give the project folder: the one that is set; else the working folder if it holds suites; else what evalbot ships."""
    if "project" in settings.model_fields_set:
        if not settings.project.is_dir():
            raise BadSetting(
                f"There is no folder {settings.project}.", "Set EVALBOT_PROJECT to the folder that holds your suites."
            )
        return settings.project.resolve()
    here = Path.cwd()
    if (here / "suites").is_dir() or (here / "prompts" / "suites").is_dir():
        return here
    return shipped


def load_settings(**changes: Any) -> Settings:
    """Build the settings; raises BadSetting that names the first wrong one, never its value."""
    try:
        return Settings(**changes)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _bad_setting(str(first["loc"][0]), first["type"], first["msg"]) from None
    except SettingsError:  # the only setting of the environment that is JSON
        form = '{"provider:model": {"input": 0.4, "output": 1.6}}'
        raise BadSetting("The setting prices is no JSON.", f"Write EVALBOT_PRICES like {form}.") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting("The file evalbot.toml is not TOML.", _how_to_mend(error)) from None


def _bad_setting(name: str, kind: str, reason: str) -> BadSetting:
    """Say which setting is wrong, by its names in the file and in the environment."""
    if kind == "extra_forbidden":
        return BadSetting(f"There is no setting {name}.", "Correct its name in evalbot.toml, or take it out.")
    field = Settings.model_fields.get(name)
    variable = f"EVALBOT_{name.upper()}" if field and field.validation_alias is None else name.upper()
    said = reason.removeprefix("Value error, ").rstrip(".")
    return BadSetting(
        f"The setting {name.lower()} is wrong: {said}.", f"Correct {variable}, or {name.lower()} in evalbot.toml."
    )


def _how_to_mend(error: TOMLDecodeError | UnicodeDecodeError) -> str:
    """Say where the settings file is broken, never what stands there: it may be a secret."""
    place = re.search(r"at line \d+, column \d+|at end of document", str(error))
    return f"Mend it {place[0]}." if place else "Save it as UTF-8."
