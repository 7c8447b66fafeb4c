"""An onlooker at the broker: writes every message below the appliances' prefix into the journal."""

import threading
import time
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from appliance.cli.demo.broker import HOST
from appliance.cli.demo.journal import Journal, Message

EVERYTHING: Final = "otp-appliance/#"
SUBSCRIBE_SECONDS: Final = 10.0
_NEW_ONLY: Final = 2
"""MQTT 5.0, section 3.8.3.1: what was retained before is not sent again at each connection."""


class Traffic:
    """A connection of its own, which comes back when the broker does. paho's thread only writes to the journal."""

    def __init__(self, port: int, version: int, journal: Journal) -> None:
        self._port = port
        self._five = version == mqtt.MQTTv5
        self._journal = journal
        self._subscribed = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5 if self._five else mqtt.MQTTv311
        )
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Begin to look on; returns when nothing more can be missed, or after some seconds."""
        self._client.connect_async(HOST, self._port)
        self._client.loop_start()
        self._subscribed.wait(SUBSCRIBE_SECONDS)

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        if self._five:
            client.subscribe(
                EVERYTHING, options=SubscribeOptions(0, retainAsPublished=True, retainHandling=_NEW_ONLY)
            )
        else:
            client.subscribe(EVERYTHING)

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed.set()

    def _on_message(self, _client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        if message.retain and not self._five:
            return  # it lay there before; 3.1.1 can't leave it out
        retained = message.retain if self._five else None
        self._journal.add(Message(time.time(), message.topic, len(message.payload), retained))
