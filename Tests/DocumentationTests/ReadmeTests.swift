import Foundation
import Testing

/// The README's code is the snippets', which the build compiles.
@Suite struct ReadmeTests {
    /// The code blocks of a language, in order.
    private func blocks(_ language: String, in markdown: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring]?
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```\(language)" {
                block = []
            } else if line == "```", let finished = block {
                blocks.append(finished.map { $0 + "\n" }.joined())
                block = nil
            } else {
                block?.append(line)
            }
        }
        return blocks
    }

    @Test func everyExampleIsACompiledSnippet() throws {
        let folder = Repository.root.appendingPathComponent("Snippets").path
        let snippets = try FileManager.default.contentsOfDirectory(atPath: folder)
            .map { try Repository.text("Snippets/\($0)") }
        let examples = blocks("swift", in: try Repository.text("README.md"))
        #expect(examples.count >= 4)
        for example in examples {
            #expect(snippets.contains(example), "not a snippet:\n\(example)")
        }
    }

    @Test(arguments: ["ReadMessages", "SendMessages"])
    func theSimpleCasesTakeTenLines(name: String) throws {
        let examples = blocks("swift", in: try Repository.text("README.md"))
        let snippet = try Repository.text("Snippets/\(name).swift")
        #expect(examples.contains(snippet))
        #expect(snippet.split(separator: "\n", omittingEmptySubsequences: false).count - 1 <= 10)
    }

    /// The table of metrics is written where they are configured, and read here.
    @Test func theTableOfMetricsIsThatOfTheConfiguration() throws {
        func rows(_ text: String) -> [Substring] {
            text.split(separator: "\n").filter { $0.contains("| `xkafka_") }
        }
        let source = rows(try Repository.text("Sources/XKafka/Metrics/MetricsConfig.swift")).map { row in
            String(row.dropFirst("/// ".count)).replacing("``", with: "`")
        }
        #expect(source.count > 30)
        #expect(rows(try Repository.text("README.md")).map(String.init) == source)
    }

    @Test func everyCommandIsATargetOfTheMakefile() throws {
        let makefile = try Repository.text("Makefile")
        let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Tests/README.md"]
        var commands: Set<String> = []
        for document in documents {
            let text = try Repository.text(document)
            let named = text.matches(of: /(?:^|`|[0-9] )make ([a-z-]+)/.anchorsMatchLineEndings())
            commands.formUnion(named.map { String($0.1) })
        }
        #expect(commands.isSuperset(of: ["demo", "test", "docs", "simulate"]))
        for command in commands {
            #expect(makefile.contains("\n\(command):"), "make \(command)")
        }
    }
}
