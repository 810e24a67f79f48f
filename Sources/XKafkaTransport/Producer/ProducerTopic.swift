import CKafka

/// librdkafka's handle of a topic: with it librdkafka 2.0.2 sends at once, where by name only it waits most
/// of a second for the first message. Valid for as long as the client it came from.
///
/// `@unchecked Sendable`: the pointer is set once, and librdkafka's topic handles lock themselves.
package final class ProducerTopic: @unchecked Sendable {
    package let name: String
    let pointer: OpaquePointer

    init(name: String, _ pointer: OpaquePointer) {
        self.name = name
        self.pointer = pointer
    }
}
