/// Lets whoever comes by wait until it is opened.
package final class Gate: Sendable {
    private let opened = Collector<Bool>()

    package init() {}

    package func open() { opened.add(true) }

    package func pass() async throws {
        try await opened.wait(forCount: 1)
        try Task.checkCancellation()
    }
}
