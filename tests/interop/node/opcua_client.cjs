// A second foreign OPC UA client (node-opcua-client) against a node's server.
//
// Usage: opcua_client.cjs <url> <folder for its key> <command> <user> <password> [held]
//
// It prints one line of JSON with what it saw; the test judges it.
"use strict";

const path = require("node:path");
const {
    AttributeIds, DataType, MessageSecurityMode, OPCUAClient, SecurityPolicy, StatusCodes,
    TimestampsToReturn, UserTokenType, Variant, VariantArrayType, makeBrowsePath,
} = require("node-opcua-client");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const [url, folder, command, userName, password, held = "0"] = process.argv.slice(2);
const DATAPOINTS = "ns=2;i=1";

async function made() {
    const clientCertificateManager = new OPCUACertificateManager({
        rootFolder: path.join(folder, "pki"),
        automaticallyAcceptUnknownCertificate: true,
    });
    await clientCertificateManager.initialize();
    return OPCUAClient.create({
        applicationName: "test",
        applicationUri: "urn:mainstem:test:node",
        clientCertificateManager,
        connectionStrategy: { maxRetry: 0, initialDelay: 100 },
        endpointMustExist: false,
        securityMode: MessageSecurityMode.SignAndEncrypt,
        securityPolicy: SecurityPolicy.Basic256Sha256,
        transportTimeout: 60000,
    });
}

// 64 bits are two halves for this client.
const int64 = (number) => [DataType.Int64, [0, number]];
const number = (value) => (Array.isArray(value) || ArrayBuffer.isView(value) ? value[1] : value);

const shown = (value) => ({ value: value.value.value, status: value.statusCode.value });

// Waits for a condition, with a deadline.
async function until(isSo, millis) {
    const begun = Date.now();
    while (!isSo() && Date.now() - begun < millis) {
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function subscribed(session) {
    const subscription = await session.createSubscription2({
        requestedPublishingInterval: 100,
        requestedLifetimeCount: 1000,
        requestedMaxKeepAliveCount: 10,
        publishingEnabled: true,
        maxNotificationsPerPublish: 0,
        priority: 1,
    });
    const item = await subscription.monitor(
        { nodeId: "ns=2;s=sim.count", attributeId: AttributeIds.Value },
        { samplingInterval: 50, queueSize: 100, discardOldest: true },
        TimestampsToReturn.Both,
    );
    const seen = [];
    item.on("changed", (value) => seen.push(number(value.value.value)));
    await until(() => seen.length >= 20, 30000);
    await subscription.terminate();
    return seen;
}

async function called(session, method, values) {
    const [result] = await session.call([{
        objectId: "ns=1;s=mes",
        methodId: `ns=1;s=${method}`,
        inputArguments: values.map(([dataType, value]) => new Variant({ dataType, arrayType: VariantArrayType.Scalar, value })),
    }]);
    return {
        status: result.statusCode.value,
        outputs: (result.outputArguments ?? []).map((output) => output.value),
    };
}


async function calls(session, count) {
    const one = await called(session, "order", [int64(7), [DataType.String, "red"]]);
    const denied = await called(session, "order", [int64(401), [DataType.String, "red"]]);
    let reads = 0;
    let ended = false;
    const reading = (async () => {
        while (!ended) {
            await session.read({ nodeId: "ns=2;s=sim.level", attributeId: AttributeIds.Value });
            reads += 1;
        }
    })();
    const asked = Array.from({ length: count }, (_, index) => called(session, "slow", [int64(index)]));
    const answers = await Promise.all(asked);
    ended = true;
    await reading;
    const right = answers.filter((answer, index) => number(answer.outputs[0]) === index).length;
    return { one, denied, held_right: right, reads };
}

async function all(session) {
    const browsed = await session.browse(DATAPOINTS);
    const at = await session.translateBrowsePath(makeBrowsePath(DATAPOINTS, "/2:sim/2:level"));
    const level = { nodeId: "ns=2;s=sim.level", attributeId: AttributeIds.Value };
    const written = (dataType, value) => session.write({
        ...level, value: { statusCode: StatusCodes.Good, value: { dataType, value } },
    });
    const before = shown(await session.read(level));
    const fine = (await written(DataType.Double, 42.5)).value;
    let after = before;
    const begun = Date.now();
    while (after.value !== 42.5 && Date.now() - begun < 10000) {
        after = shown(await session.read(level));
    }
    const now = new Date();
    const [history] = [].concat(await session.readHistoryValue(
        "ns=2;s=sim.count", new Date(now.getTime() - 3600000), now, { numValuesPerNode: 10 },
    ));
    return {
        folders: browsed.references.map((reference) => reference.browseName.name),
        by_path: at.targets.map((target) => target.targetId.toString()),
        before,
        fine,
        after,
        wrong_type: (await written(DataType.String, "7")).value,
        beyond_limits: (await written(DataType.Double, 1e6)).value,
        seen: await subscribed(session),
        history: history.historyData.dataValues.map((value) => number(value.value.value)),
        ...(await calls(session, Number(held))),
    };
}

async function main() {
    const client = await made();
    const result = {};
    try {
        await client.connect(url);
        const session = await client.createSession({ type: UserTokenType.UserName, userName, password });
        result.connect = "Good";
        if (command === "all") Object.assign(result, await all(session));
        await session.close();
    } catch (error) {
        result.connect ??= "refused";
        result.error = String(error.message ?? error);
    }
    await client.disconnect().catch(() => {});
    console.log(JSON.stringify(result));
}

main().then(() => process.exit(0));
