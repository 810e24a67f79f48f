import Foundation
import Testing

/// `make lint` wants a comment at each public declaration. What is public without the word is looked at here: the cases of
/// enumerations, and what protocols require.
@Suite struct PublicDocumentationTests {
    @Test func casesAndRequirementsAreDocumented() throws {
        var seen = 0
        var missing: [String] = []
        for (name, text) in try Repository.documentedModules().flatMap(Repository.texts(of:))
        where text.contains("public enum ") || text.contains("public protocol ") {
            let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            for (index, line) in members(of: lines) {
                seen += 1
                let before = lines[..<index].last { !$0.hasPrefix("@") }
                if before?.hasPrefix("///") != true { missing.append("\(name): \(line)") }
            }
        }
        #expect(seen > 40)
        #expect(missing == [])
    }

    /// The cases of public enumerations and the requirements of public protocols.
    private func members(of lines: [String]) -> [(index: Int, line: String)] {
        var members: [(Int, String)] = []
        // The depth at which members of a declaration stand, and the words they begin with.
        var declarations: [(depth: Int, words: [String])] = []
        var depth = 0
        for (index, line) in lines.enumerated() where !line.hasPrefix("//") {
            if let declaration = declarations.last, declaration.depth == depth,
                declaration.words.contains(where: { line.hasPrefix($0) })
            {
                members.append((index, line))
            }
            let rises = line.count { $0 == "{" } - line.count { $0 == "}" }
            depth += rises
            while let declaration = declarations.last, declaration.depth > depth { declarations.removeLast() }
            guard rises > 0 else { continue }
            if line.hasPrefix("public enum ") {
                declarations.append((depth, ["case "]))
            } else if line.hasPrefix("public protocol ") {
                declarations.append((depth, ["func ", "var ", "init", "static ", "associatedtype ", "subscript"]))
            }
        }
        return members
    }
}
