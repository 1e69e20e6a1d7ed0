"""What a Heketi's database, and the PersistentVolumes, had within the hour: real HTTP, any time."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from exporter.observe import model
from exporter.observe.model import Kind
from tests.edges.heketi_face import (
    KEY,
    RECORDED,
    World,
    heketis,
    naming,
    said,
    served,
    source,
    volumes,
)
from tests.signals import made


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a file with the key of admin."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return path


def without(*names: str) -> bytes:
    """Return the recorded dump without these volumes."""
    dump = json.loads(RECORDED.read_bytes())
    kept = {
        name: entry
        for name, entry in dump["volumeentries"].items()
        if entry["Info"]["name"] not in names
    }
    return json.dumps({**dump, "volumeentries": kept}).encode()


def test_what_came_or_went_is_settling_for_an_hour(key: Path) -> None:
    """The lists that are compared are never of the same moment."""
    now_held = {"body": without("shop_data_1")}

    async def dump(request: web.Request) -> web.Response:
        del request
        return web.Response(body=now_held["body"])

    async def run() -> None:
        async with served(dump=dump) as url:
            world = World(*naming(url))
            asking = source(world, key)

            async def settling(later: float) -> dict[str, bool]:
                world.now += later
                found = await asking.look()
                assert heketis(found)[url].volumes == len(volumes(found))
                return {one.name: one.settling for one in volumes(found).values()}

            assert not any((await settling(0.0)).values())
            now_held["body"] = RECORDED.read_bytes()
            assert "shop_data_1" not in await settling(299.0), "the whole database, every 5 minutes"
            assert (await settling(1.0))["shop_data_1"]
            assert (await settling(3_599.0))["shop_data_1"]
            assert not (await settling(1.0))["shop_data_1"]
            now_held["body"] = without("shop_data_1")
            assert (await settling(300.0))["shop_data_1"]
            assert (await settling(3_599.0))["shop_data_1"]
            assert "shop_data_1" not in await settling(1.0)

    asyncio.run(run())


def test_a_volume_that_a_persistent_volume_named_within_the_hour_is_claimed(key: Path) -> None:
    """Heketi may be deleting it, and its database is five minutes old."""

    async def run() -> None:
        async with served(dump=said(RECORDED.read_bytes())) as url:
            pv = made.volume(driver=model.GLUSTERFS, handle="shop_data_1")
            world = World(*naming(url), pv)
            asking = source(world, key)

            async def claimed() -> set[str]:
                return {one.name for one in volumes(await asking.look()).values() if one.claimed}

            assert await claimed() == {"shop_data_1"}
            world.objects.remove(pv)
            world.unseen = {Kind.VOLUME: "not listed"}
            world.now += 7_200.0
            assert await claimed() == {"shop_data_1"}
            world.unseen = {}
            assert await claimed() == {"shop_data_1"}
            world.now += 3_599.0
            assert await claimed() == {"shop_data_1"}
            world.now += 1.0
            assert await claimed() == set()

    asyncio.run(run())
