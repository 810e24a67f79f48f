#ifndef XKAFKA_CKAFKA_SHIM_H
#define XKAFKA_CKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// Older releases lack calls that the transport relies on (`rd_kafka_consumer_close_queue`
// came with 1.9.0) and are not tested.
#if RD_KAFKA_VERSION < 0x02000200
#error "XKafka needs librdkafka 2.0.2 or newer: install librdkafka-dev (Debian, Ubuntu) or librdkafka (Homebrew)"
#endif

// Swift cannot import variadic functions, and the mock cluster offers this one in no other
// form. One pair of error and delay per call; call it again for the next request.
static inline rd_kafka_resp_err_t xkafka_mock_broker_push_request_error_rtt(
    rd_kafka_mock_cluster_t *cluster,
    int32_t broker_id,
    int16_t api_key,
    rd_kafka_resp_err_t error,
    int rtt_milliseconds) {
    return rd_kafka_mock_broker_push_request_error_rtts(
        cluster, broker_id, api_key, 1, error, rtt_milliseconds);
}

// Has the processor fetch what will be looked at soon, so that nobody waits for it then.
static inline void xkafka_prefetch(const void *pointer) {
    __builtin_prefetch(pointer, 1);
    __builtin_prefetch((const char *)pointer + 64, 1);
}

#endif
