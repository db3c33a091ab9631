"""Calls every tool of `tidegate mcp` with the protocol's own client, and prints what it saw as JSON.

Arguments: the program, the project's folder, and `--write` for the tools that write."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> None:
    program, folder, *options = sys.argv[1:]
    parameters = StdioServerParameters(command=program, args=["mcp", *options, folder])
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write) as session:
            started = await session.initialize()
            listed = await session.list_tools()
            seen = {
                "instructions": started.instructions,
                "tools": [
                    {"name": tool.name, "read_only": tool.annotations.read_only_hint}
                    for tool in listed.tools
                ],
                "results": [],
            }
            for name, arguments in json.load(sys.stdin):
                seen["results"].append(await call(session, name, arguments))
    print(json.dumps(seen))


async def call(session: ClientSession, name: str, arguments: dict) -> dict:
    try:
        result = await session.call_tool(name, arguments)
    except Exception as error:  # A call that the protocol refuses.
        return {"refused": str(error)}
    text = "".join(part.text for part in result.content)
    if result.is_error:
        return {"error": text}
    assert json.loads(text) == result.structured_content
    return result.structured_content


asyncio.run(main())
