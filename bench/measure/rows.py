"""The rows of the goals: six of MQTT 3.1.1, and the same of MQTT 5, without and with properties."""

from .pair import Work


def rows(form):
    return {f"{kind} QoS {qos}{form}": Work(kind + form, qos) for kind in ("publish", "receive") for qos in (0, 1, 2)}


ROWS = rows("")

# With "/5+", each message has a content type and two user properties, and the receiver reads all three.
MQTT5_ROWS = rows("/5") | rows("/5+")
