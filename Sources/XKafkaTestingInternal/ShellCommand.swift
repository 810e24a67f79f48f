import Foundation
import XKafkaTransport

/// Runs a shell command to its end and answers its exit status; what it prints goes where this process prints.
///
/// Not Foundation's `Process`, which takes a command to run for as long as anything does that the command started: it
/// waits for a socket to be closed that every descendant inherits, a broker left running in the background as well.
package func runShell(_ command: String) async throws -> Int32 {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "xkafka.test.shell").async {
            continuation.resume(with: Result { try runShellBlocking(command) })
        }
    }
}

private func runShellBlocking(_ command: String) throws -> Int32 {
    let words: [String] = ["sh", "-c", command]
    var arguments = words.map { word -> UnsafeMutablePointer<CChar>? in strdup(word) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let spawned = ProcessSpawnGuard.run { posix_spawn(&pid, "/bin/sh", nil, nil, &arguments, environ) }
    guard spawned == 0 else { throw ProgramFailed(what: "sh -c '\(command)': \(String(cString: strerror(spawned)))") }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
        guard errno == EINTR else { throw ProgramFailed(what: "sh -c '\(command)': its end could not be awaited") }
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
}
