"""What went wrong with the link, in words, each with something to do about it."""

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from appliance.adapters.broker.framing import Farewell
from appliance.adapters.broker.link import HandshakeFailed, Link, reason
from appliance.adapters.broker.pause import Kind
from appliance.core.events import Problem
from appliance.errors import ApplianceError, BrokerFailed


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection, or the attempt to make one, ended."""

    kind: Kind
    problem: Problem
    lasted: float = 0.0
    """For so many seconds the link was up; 0: it never was."""
    answered: bool = False
    """The broker sent a CONNACK, of whatever content."""


STOPPED: Final = Ending("stopped", Problem("the link to the broker", "stopped"))

_ADDRESS: Final = "check mqtt.host, and that the broker runs"


def unreachable(link: Link, why: str, hint: str = "") -> Problem:
    """The link never stood."""
    return Problem(f"can't reach the broker {link.name}", why, hint, BrokerFailed.short)


def broken(link: Link, why: str, hint: str = "") -> Problem:
    """The link stood, and fell."""
    return Problem(f"lost the link to the broker {link.name}", why, hint, BrokerFailed.short)


def contested(link: Link) -> Problem:
    """Two devices push each other out."""
    return broken(
        link,
        "another device uses this id (cloned card?)",
        "stop one of the two, empty its state_dir and restore there: it gets an id of its own",
    )


def puzzling(link: Link) -> Problem:
    """Perhaps two devices push each other out; the broker does not say."""
    return broken(
        link,
        "it closed the connection three times within a minute",
        "another device may use this id (cloned card?); see the broker's log",
    )


def told(error: ApplianceError) -> Problem:
    """The words of an error of our own."""
    return Problem(error.what, error.why, error.hint, error.short)


def of_connecting(error: Exception, link: Link) -> Problem:
    """Why there is no connection: name, route, port or TLS."""
    match error:
        case HandshakeFailed():
            why, hint = _of_handshake(error.__cause__, link)
        case socket.gaierror(errno=socket.EAI_AGAIN):
            why, hint = "the name server does not answer", "check the network"
        case socket.gaierror() | UnicodeError():
            why, hint = f"the name '{link.host}' is not known", "check mqtt.host"
        case ConnectionRefusedError():
            why, hint = "connection refused", f"check that the broker runs and listens on port {link.port}"
        case TimeoutError():
            why, hint = "no answer within 10 s", "check mqtt.host, and the firewall of the broker"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ENETDOWN):
            why, hint = "no route to it", "check the network"
        case OSError():
            why, hint = reason(error), _ADDRESS
        case _:
            why, hint = str(error).lower(), "check mqtt.host and mqtt.port"
    return unreachable(link, why, hint)


def of_refusal(code: ReasonCode, link: Link) -> tuple[Kind, Problem]:
    """Why the broker answered CONNECT with a no."""
    match code.value:
        case 132:
            return "unsupported", unreachable(link, "it does not speak this version of MQTT")
        case 133:
            return "ordinary", unreachable(
                link,
                f"it refuses the client id '{link.client_id}'",
                "check the broker's rules for client ids",
            )
        case 134:
            return "unauthorised", unreachable(
                link, "wrong user name or password", "check mqtt.username and mqtt.password_file"
            )
        case 135:
            return "unauthorised", unreachable(
                link,
                "not authorized",
                "check mqtt.username and mqtt.password_file, and the broker's list of users",
            )
        case 138:
            return "unauthorised", unreachable(
                link, "it has banned this device", "lift the ban at the broker"
            )
        case _:
            return "ordinary", unreachable(link, words(code), "see the broker's log")


def words(code: ReasonCode) -> str:
    """Return the name of a reason code of MQTT 5 (section 2.4)."""
    return str(code).lower()


def words_of(farewell: Farewell) -> str:
    """Return why the broker ended the connection."""
    try:
        said = words(ReasonCode(PacketTypes.DISCONNECT, identifier=farewell.reason))
    except KeyError:
        said = f"reason code {farewell.reason}"
    return f"{said}: {farewell.text}" if farewell.text.isprintable() and farewell.text else said


def of_silence(link: Link, complaint: str) -> Problem:
    """The connection stood, but ended before the broker said anything; `complaint` is what the socket said, if anything."""
    certificate = _of_alert(complaint) if link.tls is not None else None
    if certificate is not None:
        return unreachable(link, *certificate)
    if link.tls is None:
        return unreachable(
            link,
            "it closed the connection without an answer",
            "if this port speaks TLS (8883 usually does), switch mqtt.tls on; else see the broker's log",
        )
    return unreachable(
        link,
        "it closed the connection without an answer",
        "it may want a client certificate (mqtt.tls.cert_file); see the broker's log",
    )


def of_mute(link: Link) -> Problem:
    """The connection stands, but nobody speaks."""
    return unreachable(
        link,
        "it accepts the connection but does not answer within 10 s",
        "restart the broker; if this port speaks TLS (8883 usually does), switch mqtt.tls on"
        if link.tls is None
        else "restart the broker",
    )


def _of_handshake(error: BaseException | None, link: Link) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, link)
    alert = _of_alert(str(error))
    if alert is not None:
        return alert
    if isinstance(error, TimeoutError):
        why = "no answer to TLS within 10 s"
    elif isinstance(error, ssl.SSLError) and error.reason in _DISAGREEMENTS:
        return "it speaks no version of TLS that this device accepts", "let the broker speak TLS 1.2 or 1.3"
    else:
        why = "this port does not speak TLS"
    if link.port == 1883:
        return why, "port 1883 speaks plain MQTT; TLS is usually on 8883"
    return why, f"check mqtt.port: port {link.port} may speak plain MQTT; TLS is usually on 8883"


_DISAGREEMENTS: Final = {
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
    "DH_KEY_TOO_SMALL",
}


def _of_alert(complaint: str) -> tuple[str, str] | None:
    # A broker that wants a client certificate says so in TLS 1.3 only after the handshake, and in TLS 1.2 as a
    # handshake failure; OpenSSL has renamed these between releases, so only their tails are compared.
    text = complaint.upper().replace(" ", "_")
    if "ALERT_CERTIFICATE_REQUIRED" in text or "ALERT_HANDSHAKE_FAILURE" in text:
        return "it wants a client certificate", "set mqtt.tls.cert_file and mqtt.tls.key_file"
    if any(f"ALERT_{tail}" in text for tail in _REJECTIONS):
        return (
            "it refuses this device's client certificate",
            "let the CA that the broker trusts sign mqtt.tls.cert_file, and check its dates",
        )
    return None


_REJECTIONS: Final = (
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
)


def _of_certificate(error: ssl.SSLCertVerificationError, link: Link) -> tuple[str, str]:
    # The numbers are OpenSSL's X509_V_ERR_..., from its x509_vfy.h.
    trusted = "the system's CAs" if link.tls is None or link.tls.ca_file is None else str(link.tls.ca_file)
    match error.verify_code:
        case 9:
            return (
                "its certificate is not yet valid",
                "check this device's clock; if it is right, make the certificate again",
            )
        case 10:
            return "its certificate has expired", "renew it at the broker, or check this device's clock"
        case 18:
            return (
                "its certificate is signed by itself",
                "let a CA sign it and name that CA in mqtt.tls.ca_file",
            )
        case 19 | 20 | 21:
            return (
                f"its certificate is not signed by {trusted}",
                "mqtt.tls.ca_file must name the CA that signed the broker's certificate",
            )
        case 62 | 64:
            return (
                f"its certificate is for another name than '{link.host}'",
                f"use the name in the certificate as mqtt.host, or make one for '{link.host}'",
            )
        case 32 | 79 | 81 | 89 | 92:
            return (
                "its CA may not sign certificates: no fitting keyUsage or basicConstraints",
                "make the CA again with basicConstraints=critical,CA:TRUE and keyUsage=critical,keyCertSign,cRLSign",
            )
        case _:
            return f"its certificate is refused: {error.verify_message.lower()}", "make the certificate again"
