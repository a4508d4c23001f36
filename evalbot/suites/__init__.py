"""What we ask: suites with versions, items, skills, rubrics, prompts, targets and candidates, as pure values and rules."""
