"""Workflows that can't be had are listed with their error, and hurt nothing."""

from tests.system.api import Api, fresh
from tests.system.processes import StartServer


async def test_broken_modules_are_listed(start_server: StartServer) -> None:
    """A module that raises or exits while it is imported is an entry with an error."""
    server = start_server(WORKFLOWS="workflows,tests.system.broken_flows")
    async with Api(server.url) as api:
        listed = (await api.call("GET", "/api/workflows")).json["workflows"]
        errors = " | ".join(each["error"] for each in listed if "error" in each)
        assert "no data for this module" in errors
        for module in ("raises", "exits"):
            assert f"broken_flows.{module}" in str(listed)
        sound = [each for each in listed if each["name"] == "sound"]
        assert len(sound) == 1
        assert "error" not in sound[0]
        session = fresh()
        await api.start(session, "sound")
        assert (await api.ended(session))[-1]["type"] == "complete"


async def test_name_used_twice(start_server: StartServer) -> None:
    """A name that two modules use is listed as an error that names both, and isn't started."""
    server = start_server(WORKFLOWS="tests.system.broken_flows")
    async with Api(server.url) as api:
        listed = (await api.call("GET", "/api/workflows")).json["workflows"]
        same = [each for each in listed if each["name"] == "same"]
        assert same
        assert all("error" in each for each in same)
        assert "same_one" in str(same)
        assert "same_two" in str(same)
        answer = await api.call("POST", f"/api/sessions/{fresh()}/runs", {"workflow": "same"})
        assert 400 <= answer.status < 500


async def test_package_that_is_not(start_server: StartServer) -> None:
    """A package that doesn't exist is an entry with an error; the server comes up."""
    server = start_server(WORKFLOWS="workflows,no_such_package")
    async with Api(server.url) as api:
        listed = (await api.call("GET", "/api/workflows")).json["workflows"]
        assert any("no_such_package" in each.get("error", "") for each in listed)
        assert (await api.call("GET", "/health/ready")).status == 200
