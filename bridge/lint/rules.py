"""Every code with what finds it. To add one: a line in `config.lint.lint_section`, a function, a row here, a part of
docs/lint.md with an example before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bridge.lint import budgets, conditions, names, personal, reach, secrets, silence, unused
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject

Rule = Callable[[LintSubject], Iterator[Pointed]]

RULES: Final[Mapping[str, Rule]] = {
    "TB101": conditions.never_true,
    "TB102": conditions.always_true,
    "TB103": conditions.true_for_no_record,
    "TB104": reach.type_of_no_topic,
    "TB105": reach.topic_not_read,
    "TB106": reach.settings_never_used,
    "TB107": reach.sends_nothing,
    "TB108": reach.no_sample_has,
    "TB109": reach.never_send_in_vain,
    "TB201": personal.personal_fields,
    "TB202": personal.personal_values,
    "TB203": personal.personal_user_id,
    "TB301": names.many_event_names,
    "TB302": names.long_names,
    "TB303": names.many_properties,
    "TB304": names.large_metadata,
    "TB305": names.limit_above_the_api,
    "TB306": names.similar_event_names,
    "TB307": names.several_types,
    "TB308": names.similar_metadata_names,
    "TB401": budgets.above_the_api,
    "TB402": budgets.several_of_one_budget,
    "TB403": budgets.too_little_room,
    "TB404": budgets.too_old_by_then,
    "TB405": budgets.more_than_fits,
    "TB501": silence.no_time_is_sent,
    "TB502": silence.no_id_is_sent,
    "TB503": silence.dropped_without_a_word,
    "TB504": silence.no_sample_has_a_time,
    "TB505": silence.no_sample_has_an_id,
    "TB506": silence.stop_is_off,
    "TB601": secrets.in_the_file,
    "TB602": secrets.over_plain_http,
    "TB603": secrets.kafka_in_clear_text,
    "TB701": unused.for_nothing,
}
"""All but that of an ignore which fits none of them: `linting` sees to it."""
