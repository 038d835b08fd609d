"""What the pages of the console are made from: one of each for all visitors."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.config.sections import Config
from bridge.console.confined.cell import ConfinedCell
from bridge.console.finding import Find
from bridge.console.history import FleetHistory
from bridge.console.letters.desk import ConsoleLetters
from bridge.console.letters.replays import ReplayJobs
from bridge.console.measures import Measures
from bridge.console.reach import ConsoleReach
from bridge.console.rendering import Renderer
from bridge.console.sending.desk import ConsoleFiles
from bridge.console.session import Sessions
from bridge.fleet.acts import FleetControl
from bridge.fleet.acts.offset_setting import OffsetSetting
from bridge.fleet.source import FleetSource
from bridge.ops.log.logger import EventLogger


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """A page takes from here what it needs."""

    config: Config
    fleet: FleetSource
    """The group, and all its replicas, at most two seconds old however many look."""
    sessions: Sessions
    reach: ConsoleReach
    log: EventLogger
    control: FleetControl | None = None
    """What acts on partitions; None: without a token nothing does."""
    history: FleetHistory = field(default_factory=FleetHistory)
    measures: Measures = field(default_factory=Measures)
    renderer: Renderer = field(default_factory=Renderer)
    find: Find | None = None
    """None: records cannot be read here."""
    desk: ConsoleLetters | None = None
    """Dead letters; None: there is no mapping to read them by."""
    files: ConsoleFiles | None = None
    """What sends files; None: there is no mapping to send by."""
    offsets: OffsetSetting | None = None
    """What sets committed offsets; None: without a token nothing does."""
    replays: ReplayJobs = field(default_factory=ReplayJobs)
    confined: ConfinedCell = field(default_factory=ConfinedCell)
    """Where what visitors typed is worked out."""
