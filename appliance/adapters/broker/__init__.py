"""The link to an MQTT broker, through paho.

Rules:

1. Everything of paho runs in one thread of ours, the supervisor; other threads only leave orders. So paho's own
   thread, its queues and its locks are never met.
2. A callback holds one `append` and nothing that can raise. What it left is read afterwards, in our own code: an
   exception there ends the thread loudly, through `threading.excepthook`.
3. Each attempt has a fresh client, and each connection its own orders: nothing of an old connection can come out
   of a new one.
4. The link is all that is decided here. What to publish, when to believe it and what to do without a link is
   the core's.

link        where the broker is, and what is shown to it: password, certificates
client      paho's client as we want it
framing     what stands before paho's parser: bounded packets
order       what other threads ask, and the bell that tells so
fetch       which fetch a delivery answers
delivery    how much of what comes reaches the core
session     one connection, from CONNECT to its end
pause       how long to wait before the next attempt
trouble     what went wrong, in words
supervisor  attempt after attempt, until stopped
"""

from appliance.adapters.broker.link import Link, Tls
from appliance.adapters.broker.pause import Backoff
from appliance.adapters.broker.supervisor import MqttBroker

__all__ = ["Backoff", "Link", "MqttBroker", "Tls"]
