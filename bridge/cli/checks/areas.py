"""What the probe of the Track API showed, as findings."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.exits import FindingKind
from bridge.track import probe

_TO_DO = {
    probe.Step.RESOLVE: "check track.endpoint, and the name servers of this machine",
    probe.Step.CONNECT: "check track.endpoint, firewalls and the proxy variables of the environment",
    probe.Step.TLS: "check track.endpoint; for a private certificate authority set track.ca_file",
    probe.Step.KEY: "put the API key of this Userpilot environment (not the app token) where track.api_key_file or "
    "track.api_key says, and see that track.endpoint is the host of the same environment",
}


def api(probed: Iterable[probe.ProbeFinding]) -> list[Finding]:
    """A refused key does not keep the bridge from starting: it holds until the key is fixed."""
    return [_finding(each) for each in probed]


def _finding(probed: probe.ProbeFinding) -> Finding:
    sentence = f"{_capitalised(probed.sentence)}."
    match probed.result:
        case probe.ProbeResult.OK:
            return findings.ok(sentence)
        case probe.ProbeResult.UNKNOWN:
            return findings.note(sentence)
        case probe.ProbeResult.FAILED:
            kind = FindingKind.API_KEY if probed.step is probe.Step.KEY else FindingKind.API
            return findings.problem(sentence, _TO_DO[probed.step], kind)


def _capitalised(sentence: str) -> str:
    """Unless it begins with a host's name."""
    first = sentence.split(" ", 1)[0]
    return sentence if "." in first or ":" in first else f"{sentence[:1].upper()}{sentence[1:]}"
