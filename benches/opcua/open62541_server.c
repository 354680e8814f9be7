/* A foreign server for the bench: 10,000 doubles that count up every 100 ms.
 *
 * With open62541 1.4 or 1.5 built in $B from the sources in $S:
 *   cc -O2 -I$S/include -I$S/plugins/include -I$S/deps -I$B/src_generated open62541_server.c \
 *      $B/bin/libopen62541.a -o open62541_server
 *   ./open62541_server 4855
 *   cargo bench -p mainstem-adapter-opcua --bench opcua -- opc.tcp://127.0.0.1:4855
 */
#include <open62541/server.h>
#include <open62541/server_config_default.h>
#include <stdio.h>
#include <stdlib.h>

#define POINTS 10000

static UA_NodeId ids[POINTS];
static double count = 0;

static void tick(UA_Server *server, void *data) {
    (void)data;
    count += 1;
    for(int i = 0; i < POINTS; i++) {
        UA_Variant value;
        UA_Variant_setScalar(&value, &count, &UA_TYPES[UA_TYPES_DOUBLE]);
        UA_Server_writeValue(server, ids[i], value);
    }
}

int main(int argc, char **argv) {
    UA_Server *server = UA_Server_new();
    UA_ServerConfig *config = UA_Server_getConfig(server);
    UA_ServerConfig_setMinimal(config, argc > 1 ? (UA_UInt16)atoi(argv[1]) : 4855, NULL);
    /* An interval of 0 means: at each write, none left out. */
    config->samplingIntervalLimits.min = 0;
    config->publishingIntervalLimits.min = 10;
    for(int i = 0; i < POINTS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "V%d", i);
        UA_VariableAttributes attributes = UA_VariableAttributes_default;
        UA_Variant_setScalar(&attributes.value, &count, &UA_TYPES[UA_TYPES_DOUBLE]);
        attributes.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
        attributes.accessLevel = UA_ACCESSLEVELMASK_READ;
        ids[i] = UA_NODEID_STRING_ALLOC(1, name);
        UA_Server_addVariableNode(server, ids[i], UA_NS0ID(OBJECTSFOLDER), UA_NS0ID(ORGANIZES),
                                  UA_QUALIFIEDNAME_ALLOC(1, name), UA_NS0ID(BASEDATAVARIABLETYPE),
                                  attributes, NULL, NULL);
    }
    UA_Server_addRepeatedCallback(server, tick, NULL, 100.0, NULL);
    return (int)UA_Server_runUntilInterrupt(server);
}
