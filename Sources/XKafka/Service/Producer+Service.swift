public import ServiceLifecycle

/// In a `ServiceGroup`, name the producer before the services that send with it: they are ended first.
extension Producer: Service {
    /// Waits until the group shuts down or cancels, and closes the producer then: it takes no more messages, and
    /// delivers those on their way within ``ProducerConfig/closeDeadline``. Also returns when the producer was
    /// closed.
    ///
    /// Messages can be sent whether this runs or not.
    ///
    /// - Throws: the `KafkaError` after which the producer can send nothing any more, so that the group ends and
    ///   the process can be started anew.
    public func run() async throws {
        let failure = await withTaskCancellationOrGracefulShutdownHandler {
            await runtime.over.waitIgnoringCancellation()
        } onCancelOrGracefulShutdown: { [runtime, limit = config.closeDeadline] in
            Task { await runtime.close(within: limit) }
        }
        guard let failure else { return }
        await close()
        throw failure
    }
}
