"""The six rows of the goals."""

from .pair import Work

ROWS = {
    "publish QoS 0": Work("publish", 0),
    "publish QoS 1": Work("publish", 1),
    "publish QoS 2": Work("publish", 2),
    "receive QoS 0": Work("receive", 0),
    "receive QoS 1": Work("receive", 1),
    "receive QoS 2": Work("receive", 2),
}
