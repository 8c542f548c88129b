"""The work (see drivers/work.h), done with paho-mqtt in its own loop() call without a thread, its fastest way."""

import struct
import sys

import paho.mqtt.client as mqtt

TOPIC = "bench/topic"


class Doer:
    def __init__(self, kind, qos, count, size, port, clients=1):
        self.kind, self.qos, self.count, self.size, self.port = kind, qos, count, size, port
        self.window = max(128000 // size, 4) if qos == 0 else 20
        self.published = self.settled = self.received = 0
        self.connected = self.done = False
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_publish = self.on_publish
        self.client.on_message = self.on_message

    def run(self):
        self.client.connect("127.0.0.1", self.port)
        while not self.done:
            if self.client.loop() != mqtt.MQTT_ERR_SUCCESS and not self.done:
                self.client.reconnect()
            if self.kind == "publish" and self.connected:
                self.publish_window()

    def publish_window(self):
        while self.published < self.count and self.published - self.settled < self.window:
            number = struct.pack("<II", 0, self.published)
            self.published += 1
            self.client.publish(TOPIC, number + b"x" * (self.size - 16) + number, self.qos)
        if self.settled == self.count:
            self.client.disconnect()

    def on_connect(self, client, userdata, flags, reason, properties):
        assert reason == 0, reason
        self.connected = True
        if self.kind == "connect":
            self.settled += 1
            client.disconnect()
        elif self.kind != "publish":
            client.subscribe(TOPIC, self.qos)

    def on_disconnect(self, client, userdata, flags, reason, properties):
        assert reason == 0, reason
        self.connected = False
        self.done = self.kind != "connect" or self.settled == self.count

    def on_publish(self, client, userdata, mid, reason, properties):
        self.settled += 1

    def on_message(self, client, userdata, message):
        last, payload = self.received == self.count, message.payload
        assert message.topic == TOPIC and message.qos == (0 if last else self.qos) and len(payload) == self.size
        assert struct.unpack_from("<I", payload, 4)[0] == self.received and payload[:8] == payload[-8:]
        if last:
            client.disconnect()
            return
        self.received += 1
        if self.kind == "echo":
            client.publish(TOPIC, payload, 0)


if __name__ == "__main__":
    Doer(sys.argv[1], *map(int, sys.argv[2:7])).run()
