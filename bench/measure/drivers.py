"""The drivers: which library each measures, and how it is called."""

import os
from dataclasses import dataclass

from .pair import BUILD, ROOT


@dataclass(frozen=True)
class Driver:
    label: str
    command: tuple
    # It has its own memory, which no counting allocator sees, and a runtime that valgrind cannot judge.
    managed: bool = False

    @property
    def is_ours(self):
        return self.label.startswith("pmqtt") or self == LIMIT

    @property
    def exists(self):
        return all(os.path.exists(part) for part in self.command)


def built(name):
    return (str(BUILD / name),)


LIMIT = Driver("the limit", built("limit"))
PMQTT = Driver("pmqtt, foreign loop", built("pmqtt_foreign"))
PMQTT_EVENT_FD = Driver("pmqtt, event descriptor", built("pmqtt_event_fd"))
PMQTT_THREAD = Driver("pmqtt, own thread", built("pmqtt_thread"))
PMQTT_CPP = Driver("pmqtt, C++", built("pmqtt_cpp"))
PMQTT_GO = Driver("pmqtt, Go", built("pmqtt_go"), managed=True)
LIBMOSQUITTO = Driver("libmosquitto", built("libmosquitto"))
RUMQTTC = Driver("rumqttc", built("rumqttc/release/bench-rumqttc"))
PAHO_C = Driver("Paho C", built("paho_c"))
PAHO_GO = Driver("Paho Go", built("paho_go"), managed=True)
PAHO_PYTHON = Driver("Paho Python", (str(BUILD / "venv/bin/python"), str(ROOT / "bench/drivers/paho_python.py")),
                     managed=True)

WAYS = [PMQTT, PMQTT_EVENT_FD, PMQTT_THREAD, PMQTT_CPP, PMQTT_GO]
C_PEERS = [LIBMOSQUITTO, RUMQTTC, PAHO_C]
PEERS = [*C_PEERS, PAHO_GO, PAHO_PYTHON]
