"""A machine with an OPC UA server without security, made of asyncua: python3 opcua.py PORT

Below Objects, in the namespace urn:example:press: Press with Temperature (Double), Pieces (UInt32)
and Setpoint (Double, writable).
"""

import asyncio
import sys

from asyncua import Server, ua


async def main(port):
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/press")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:example:press")
    press = await server.nodes.objects.add_object(index, "Press")
    for name, value, kind in [
        ("Temperature", 20.5, ua.VariantType.Double),
        ("Pieces", 100000, ua.VariantType.UInt32),
        ("Setpoint", 20.5, ua.VariantType.Double),
    ]:
        node_id = ua.NodeId(f"Press.{name}", index)
        variable = await press.add_variable(node_id, name, value, kind)
        if name == "Setpoint":
            await variable.set_writable()
    async with server:
        await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
