"""A Modbus TCP client made of pymodbus, for the tests of the node's own Modbus server.

    modbus_client.py HOST PORT [AUTHORITY]

With AUTHORITY, a PEM file, it speaks Modbus/TCP Security. Takes one request a line, as JSON, and
answers each with one line:

    {"do": "read", "fc": 3, "address": 0, "count": 2, "unit": 1, "as": "FLOAT32", "order": "little"}
    {"do": "write", "fc": 16, "address": 0, "values": [1, 2], "unit": 1}
    {"do": "mask", "address": 0, "and": 255, "or": 0}
    {"do": "exchange", "address": 0, "count": 2, "to": 10, "values": [7]}
    {"do": "identify", "level": 1, "object": 0}

The answer has `values`, `value` where `as` was given, `objects`, `done`, or the number of the
`exception`; `lost` where no answer came.
"""

import json
import ssl
import sys

from pymodbus.client import ModbusTcpClient, ModbusTlsClient
from pymodbus.exceptions import ModbusException


def connect(host, port, authority):
    if authority is None:
        return ModbusTcpClient(host, port=port, timeout=10, retries=0)
    context = ssl.create_default_context(cafile=authority)
    # The library tells the context no name to compare with.
    context.check_hostname = False
    return ModbusTlsClient(host, port=port, timeout=10, retries=0, sslctx=context)


def call(client, wish):
    """Sends one request with the library's own functions."""
    address, unit = wish.get("address", 0), wish.get("unit", 1)
    to = {"device_id": unit}
    values = wish.get("values", [])
    match wish["do"], wish.get("fc"):
        case "read", 1:
            return client.read_coils(address, count=wish["count"], **to)
        case "read", 2:
            return client.read_discrete_inputs(address, count=wish["count"], **to)
        case "read", 3:
            return client.read_holding_registers(address, count=wish["count"], **to)
        case "read", 4:
            return client.read_input_registers(address, count=wish["count"], **to)
        case "write", 5:
            return client.write_coil(address, bool(values[0]), **to)
        case "write", 6:
            return client.write_register(address, values[0], **to)
        case "write", 15:
            return client.write_coils(address, [bool(value) for value in values], **to)
        case "write", 16:
            return client.write_registers(address, values, **to)
        case "mask", _:
            masks = {"and_mask": wish["and"], "or_mask": wish["or"]}
            return client.mask_write_register(address=address, **masks, **to)
        case "exchange", _:
            return client.readwrite_registers(
                read_address=address,
                read_count=wish["count"],
                write_address=wish["to"],
                values=values,
                **to,
            )
        case "identify", _:
            wanted = {"read_code": wish["level"], "object_id": wish["object"]}
            return client.read_device_information(**wanted, **to)
    raise ValueError(wish)


def told(client, wish, answer):
    """An answer as JSON."""
    if answer.isError():
        return {"exception": answer.exception_code}
    if wish["do"] == "identify":
        texts = {str(key): value.decode() for key, value in answer.information.items()}
        return {"objects": texts}
    if wish["do"] not in ("read", "exchange"):
        return {"done": True}
    if wish.get("fc") in (1, 2):
        return {"values": [bool(bit) for bit in answer.bits[: wish["count"]]]}
    registers = list(answer.registers)
    result = {"values": registers}
    if "as" in wish:
        data_type = getattr(client.DATATYPE, wish["as"])
        order = wish.get("order", "big")
        result["value"] = client.convert_from_registers(registers, data_type, word_order=order)
    return result


def main():
    host, port, *authority = sys.argv[1:]
    client = connect(host, int(port), authority[0] if authority else None)
    for line in sys.stdin:
        wish = json.loads(line)
        if wish["do"] == "close":
            client.close()
            result = {"done": True}
        else:
            try:
                # A connection that was lost is made again, as a client does.
                client.connected or client.connect()
                result = told(client, wish, call(client, wish))
            except ModbusException as error:
                result = {"lost": str(error)}
        print(json.dumps(result), flush=True)


main()
