/// One line of dpkg's log that is about a package.
struct PackageEvent: Equatable, Sendable {
    /// Name and architecture, such as `bash:amd64`.
    let package: String
    /// Where the line stands in the history, counted from 1.
    let number: Int
    /// The line itself.
    let line: String

    /// Reads a line of the log; `nil` when it is not about a package.
    init?(line: String, number: Int) {
        let words = line.split(separator: " ")
        guard words.count >= 5 else { return nil }
        switch words[2] {
        case "status": package = String(words[4])
        case "install", "upgrade", "configure", "remove", "purge", "trigproc", "disappear": package = String(words[3])
        default: return nil
        }
        guard package.contains(":") else { return nil }
        self.number = number
        self.line = line
    }

    /// Reads the value of a message.
    init?(value: String) {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]) else { return nil }
        self.init(line: String(parts[1]), number: number)
    }

    /// The message: its value holds the number, so that order can be checked where it arrives.
    var value: String { "\(number) \(line)" }

    /// What the line says the package has become, if it does.
    var state: PackageState? {
        let words = line.split(separator: " ")
        guard words[2] == "status", words.count >= 6 else { return nil }
        return PackageState(status: String(words[3]), version: String(words[5]))
    }
}

/// What dpkg says of a package.
struct PackageState: Equatable, Hashable, Sendable {
    let status: String
    let version: String

    init(status: String, version: String) {
        self.status = status
        // A package that is gone has no version, in whatever words.
        self.version = status == "not-installed" ? "<none>" : version
    }

    static let notInstalled = PackageState(status: "not-installed", version: "<none>")
}
