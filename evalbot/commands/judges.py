"""Commands about trust: how far a judge may be believed, and where a number comes from."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from evalbot.commands.speaking import JsonOption, output_console, wait_for

app = typer.Typer()


@app.command()
def judge(
    suite: Annotated[str, typer.Argument(help="Name of a suite.")],
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Put it to the answers that people graded, and try examples.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell how far the judge of a suite may be believed. Example: evalbot judge support-desk --calibrate"""
    from evalbot.terminal import judges
    from evalbot.terminal.printing import print_json

    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")
    if calibrate:
        from evalbot.terminal import calibrating

        done = wait_for(calibrating.calibrate(suite))
        if as_json:
            print_json({"calibrations": [judges.calibration_data(report) for report in done]})
            return
        for report in done:
            judges.print_calibration(output_console(), report)
        return
    found = wait_for(judges.load_judges(suite))
    if as_json:
        print_json({"judges": [judges.judge_data(report) for report in found]})
    else:
        judges.print_judges(output_console(), found)


@app.command()
def explain(
    ref: Annotated[
        list[str],
        typer.Argument(
            help="A run with perhaps a target and a skill; `judge` and a suite; or `digest` with perhaps a day and a skill."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Tell where a number comes from. Example: evalbot explain 12 refunds"""
    from evalbot.terminal import judges
    from evalbot.terminal.printing import print_json

    found = wait_for(judges.load_explanations(ref))
    if as_json:
        print_json({"explanations": [judges.explanation_data(one) for one in found]})
        return
    for explanation in found:
        judges.print_explanation(output_console(), explanation)
