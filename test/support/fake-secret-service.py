"""A Secret Service that can be told to fail, for libsecret (and so keytar) to talk to.

Usage: fake-secret-service.py DIRECTORY
  control.json  read at every call: {"id": N, "mode": MODE, "kind": PREFIX, "skip": N}. A fault begins when SKIP items
                whose account begins with PREFIX have been created since this control (its id) was written.
  items.json    what it keeps, so that it survives its own end as a keyring on disk does; memory.json is what a
                volatile one keeps, for the test to see: it is never read again
  log           one line for each call; a line that begins with ! is a fault that was done
Interfaces: the Secret Service API draft, as far as libsecret uses it; sessions are plain.
"""
import json
import os
import sys
import time

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

ROOT = "/org/freedesktop/secrets"
SERVICE = "org.freedesktop.Secret.Service"
COLLECTION = "org.freedesktop.Secret.Collection"
ITEM = "org.freedesktop.Secret.Item"
PROMPT = "org.freedesktop.Secret.Prompt"
PROPERTIES = "org.freedesktop.DBus.Properties"
NOTHING = dbus.ObjectPath("/")
# These change what is returned, not what CreateItem does.
ON_READ = ("corrupt", "stale")


def error(name, text):
    return dbus.DBusException(text, name="org.freedesktop." + name)


class Keyring:
    def __init__(self, bus, directory):
        self.bus = bus
        self.directory = directory
        self.created = 0
        self.control_id = None
        self.first = None
        self.items = {}
        self.objects = {}
        self.serial = 0
        try:
            with open(os.path.join(directory, "items.json"), encoding="utf-8") as file:
                saved = json.load(file)
        except FileNotFoundError:
            saved = {}
        self.first = saved.get("first")
        for entry in saved.get("items", []):
            self.add(entry)

    def control(self):
        with open(os.path.join(self.directory, "control.json"), encoding="utf-8") as file:
            control = json.load(file)
        if control["id"] != self.control_id:
            self.control_id = control["id"]
            self.created = 0
        return control

    def log(self, text):
        with open(os.path.join(self.directory, "log"), "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def fault(self, call, account=None):
        """The fault that this call is to meet; None while all is well. A hang is done here."""
        control = self.control()
        mode, kind = control["mode"], control.get("kind", "")
        self.log(f"{call} {account or ''}".strip())
        if mode == "ok" or self.created < control.get("skip", 0):
            return None
        if account is not None and not account.startswith(kind):
            return None
        if mode == "hang":
            self.log(f"!hang {call}")
            time.sleep(3600)
        return mode

    def did(self, mode, call):
        self.log(f"!{mode} {call}")

    def count(self, account):
        if account.startswith(self.control().get("kind", "")):
            self.created += 1

    def volatile(self):
        return self.control()["mode"] == "volatile"

    def collection_path(self):
        return ROOT + "/collection/" + ("session" if self.volatile() else "login")

    def add(self, entry):
        self.serial += 1
        path = f"{ROOT}/collection/login/{self.serial}"
        self.items[path] = entry
        self.objects[path] = Item(self, path)
        return path

    def find(self, attributes):
        # As in gnome-keyring, the name of the schema is an attribute among the others.
        wanted = {str(key): str(value) for key, value in attributes.items()}
        return [
            path
            for path, entry in self.items.items()
            if all(entry["attributes"].get(key) == value for key, value in wanted.items())
        ]

    def keep(self, attributes, label, value, replace):
        if self.first is None:
            self.first = value
        same = [path for path in self.find(attributes) if self.items[path]["attributes"] == attributes]
        if replace and same:
            entry = self.items[same[0]]
            entry["before"], entry["value"] = entry["value"], value
            path = same[0]
        else:
            path = self.add({"attributes": attributes, "label": label, "value": value})
        self.save()
        return path

    def remove(self, path):
        self.items.pop(path, None)
        item = self.objects.pop(path, None)
        if item is not None:
            item.remove_from_connection()
        self.save()

    def save(self):
        name = "memory.json" if self.volatile() else "items.json"
        temporary = os.path.join(self.directory, "items.tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"first": self.first, "items": list(self.items.values())}, file)
        os.rename(temporary, os.path.join(self.directory, name))

    def secret(self, path, session):
        entry = self.items[path]
        value = entry["value"]
        mode = self.fault("GetSecret", entry["attributes"].get("account", ""))
        if mode == "corrupt":
            self.did(mode, "GetSecret")
            value = value[:-2] + ("x" if value[-2:-1] != "x" else "y") + value[-1:]
        if mode == "stale":
            self.did(mode, "GetSecret")
            value = entry.get("before", self.first)
        return dbus.Struct(
            (dbus.ObjectPath(session), dbus.ByteArray(b""), dbus.ByteArray(value.encode()), "text/plain"),
            signature="oayays",
        )


class Item(dbus.service.Object):
    def __init__(self, keyring, path):
        super().__init__(keyring.bus, path)
        self.keyring = keyring
        self.path = path

    @dbus.service.method(ITEM, in_signature="", out_signature="o")
    def Delete(self):
        account = self.keyring.items[self.path]["attributes"].get("account", "")
        mode = self.keyring.fault("Delete", account)
        if mode in ("fail", "locked"):
            self.keyring.did(mode, "Delete")
            raise error("Secret.Error.IsLocked", "the item cannot be deleted")
        self.keyring.remove(self.path)
        return NOTHING

    @dbus.service.method(ITEM, in_signature="o", out_signature="(oayays)")
    def GetSecret(self, session):
        return self.keyring.secret(self.path, session)

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return self.values()[str(name)]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface):
        return self.values()

    def values(self):
        entry = self.keyring.items[self.path]
        return {
            "Locked": dbus.Boolean(self.keyring.fault("Item.Locked") == "locked"),
            "Attributes": dbus.Dictionary(entry["attributes"], signature="ss"),
            "Label": entry["label"],
            "Created": dbus.UInt64(0),
            "Modified": dbus.UInt64(0),
        }


class Prompt(dbus.service.Object):
    """Nobody answers it, or somebody closes it."""

    def __init__(self, keyring, path, mode):
        super().__init__(keyring.bus, path)
        self.keyring = keyring
        self.mode = mode

    @dbus.service.method(PROMPT, in_signature="s", out_signature="")
    def Prompt(self, _window):
        self.keyring.did(self.mode, "Prompt")
        if self.mode == "prompt-dismissed":
            GLib.timeout_add(20, self.dismiss)

    @dbus.service.method(PROMPT, in_signature="", out_signature="")
    def Dismiss(self):
        self.dismiss()

    def dismiss(self):
        # If libsecret gets a string instead of an object path, it waits for ever (0.20.5): zt must not.
        self.Completed(True, dbus.String("", variant_level=1))
        return False

    @dbus.service.signal(PROMPT, signature="bv")
    def Completed(self, dismissed, result):
        pass


class Collection(dbus.service.Object):
    def __init__(self, keyring, path):
        super().__init__(keyring.bus, path)
        self.keyring = keyring

    @dbus.service.method(COLLECTION, in_signature="a{sv}(oayays)b", out_signature="oo")
    def CreateItem(self, properties, secret, replace):
        keyring = self.keyring
        attributes = {
            str(key): str(value) for key, value in properties.get(ITEM + ".Attributes", {}).items()
        }
        label = str(properties.get(ITEM + ".Label", ""))
        value = bytes(secret[2]).decode()
        account = attributes.get("account", "")
        mode = keyring.fault("CreateItem", account)
        if mode is not None and mode not in ON_READ and mode != "volatile":
            keyring.did(mode, f"CreateItem {account}")
        if mode == "no-collection":
            raise error("Secret.Error.NoSuchObject", "there is no such collection")
        if mode == "locked":
            raise error("Secret.Error.IsLocked", "Cannot create an item in a locked collection")
        if mode == "fail":
            raise error("DBus.Error.Failed", "the keyring's disk is full")
        if mode in ("prompt-unanswered", "prompt-dismissed"):
            keyring.serial += 1
            path = f"{ROOT}/prompt/{keyring.serial}"
            Prompt(keyring, path, mode)
            return NOTHING, dbus.ObjectPath(path)
        if mode == "exit-before":
            os._exit(1)
        if mode == "forget":
            return dbus.ObjectPath(f"{ROOT}/collection/login/0"), NOTHING
        path = keyring.keep(attributes, label, value, bool(replace))
        if mode == "exit-after":
            os._exit(1)
        keyring.count(account)
        return dbus.ObjectPath(path), NOTHING

    @dbus.service.method(COLLECTION, in_signature="a{ss}", out_signature="ao")
    def SearchItems(self, attributes):
        self.keyring.fault("Collection.SearchItems")
        return dbus.Array(self.keyring.find(attributes), signature="o")

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return self.values()[str(name)]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface):
        return self.values()

    def values(self):
        locked = self.keyring.fault("Locked") == "locked"
        if locked:
            self.keyring.did("locked", "Locked")
        return {
            "Locked": dbus.Boolean(locked),
            "Items": dbus.Array(list(self.keyring.items), signature="o"),
            "Label": "Login",
            "Created": dbus.UInt64(0),
            "Modified": dbus.UInt64(0),
        }


class Service(dbus.service.Object):
    def __init__(self, keyring):
        super().__init__(keyring.bus, ROOT)
        self.keyring = keyring
        self.sessions = 0

    @dbus.service.method(SERVICE, in_signature="sv", out_signature="vo")
    def OpenSession(self, algorithm, _input):
        self.keyring.fault("OpenSession")
        if algorithm != "plain":
            raise error("DBus.Error.NotSupported", "plain sessions only")
        self.sessions += 1
        return dbus.String("", variant_level=1), dbus.ObjectPath(f"{ROOT}/session/{self.sessions}")

    @dbus.service.method(SERVICE, in_signature="a{ss}", out_signature="aoao")
    def SearchItems(self, attributes):
        found = dbus.Array(self.keyring.find(attributes), signature="o")
        none = dbus.Array([], signature="o")
        return (none, found) if self.keyring.fault("SearchItems") == "locked" else (found, none)

    @dbus.service.method(SERVICE, in_signature="ao", out_signature="aoo")
    def Unlock(self, objects):
        locked = self.keyring.fault("Unlock") == "locked"
        return dbus.Array([] if locked else objects, signature="o"), NOTHING

    @dbus.service.method(SERVICE, in_signature="aoo", out_signature="a{o(oayays)}")
    def GetSecrets(self, items, session):
        return dbus.Dictionary(
            {path: self.keyring.secret(str(path), session) for path in items if str(path) in self.keyring.items},
            signature="o(oayays)",
        )

    @dbus.service.method(SERVICE, in_signature="s", out_signature="o")
    def ReadAlias(self, name):
        mode = self.keyring.fault("ReadAlias")
        if mode == "no-collection":
            self.keyring.did(mode, "ReadAlias")
            return NOTHING
        if mode == "volatile":
            self.keyring.did(mode, "ReadAlias")
        return dbus.ObjectPath(self.keyring.collection_path()) if name == "default" else NOTHING

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return self.values()[str(name)]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface):
        return self.values()

    def values(self):
        return {"Collections": dbus.Array([self.keyring.collection_path()], signature="o")}


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    keyring = Keyring(bus, sys.argv[1])
    objects = [Service(keyring)]
    for path in ("/collection/login", "/collection/session", "/aliases/default"):
        objects.append(Collection(keyring, ROOT + path))
    # The name comes last: a client that sees it can call.
    name = dbus.service.BusName("org.freedesktop.secrets", bus, do_not_queue=True)
    print("ready", flush=True)
    GLib.MainLoop().run()
    del name, objects


main()
