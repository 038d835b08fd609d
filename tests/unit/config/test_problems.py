from __future__ import annotations

from bridge.config.keys.problems import ConfigError, Problem


def test_a_problem_brings_no_control_character_of_the_file_to_the_terminal() -> None:
    problem = Problem("kafka.\x1b[2Jtopics", "is not a known key: \x07\ufeff\udc80", "line 1\r")
    assert str(problem) == "kafka.\\x1b[2Jtopics: is not a known key: \\x07\\ufeff\\udc80 (line 1\\r)"
    assert str(ConfigError([problem, problem])).count("\n") == 1
