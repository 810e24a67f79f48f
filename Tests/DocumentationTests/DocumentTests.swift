import Foundation
import Testing

/// What the documents name is there.
@Suite struct DocumentTests {
    private static let documents = [
        "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Tests/README.md",
    ]

    @Test(arguments: ["ARCHITECTURE.md", "CONTRIBUTING.md", "Tests/README.md"])
    func filesThatAreNamedAreThere(document: String) throws {
        let names = Set(try Repository.sources().map(\.lastPathComponent))
        let named = try Repository.text(document).matches(of: /`([A-Za-z0-9+]+\.swift)`/).map { String($0.1) }
        let missing = Set(named).subtracting(names)
        #expect(missing == [], "\(document)")
    }

    /// `Suite.function`, where a file of that name has that function.
    @Test func testsThatAreNamedAreThere() throws {
        var texts: [String: String] = [:]
        for file in try Repository.sources() where file.path.contains("/Tests/") {
            texts[file.deletingPathExtension().lastPathComponent] = try String(contentsOf: file, encoding: .utf8)
        }
        let named = try Repository.text("Tests/README.md").matches(of: /`([A-Za-z0-9]+)\.([A-Za-z0-9]+)`/)
        #expect(named.count > 80)
        let missing = named.filter { !(texts[String($0.1)]?.contains("func \($0.2)(") ?? false) }.map { String($0.0) }
        #expect(missing == [])
    }

    @Test(arguments: documents)
    func linksLeadSomewhere(document: String) throws {
        let folder = Repository.root.appendingPathComponent(document).deletingLastPathComponent()
        let links = try Repository.text(document).matches(of: /\]\(([^)#\s]+)/).map { String($0.1) }
        let missing = links.filter { link in
            !link.contains("://")
                && !FileManager.default.fileExists(atPath: folder.appendingPathComponent(link).path)
        }
        #expect(missing == [])
    }

    /// Headings, as the pages that show Markdown name them.
    @Test(arguments: documents)
    func linksWithinADocumentNameItsHeadings(document: String) throws {
        let text = try Repository.text(document)
        let headings = text.matches(of: /^#+ (.+)$/.anchorsMatchLineEndings()).map { heading in
            heading.1.lowercased().replacing(" ", with: "-").filter { $0.isLetter || $0.isNumber || $0 == "-" }
        }
        let links = text.matches(of: /\]\(#([^)\s]+)\)/).map { String($0.1) }
        #expect(Set(links).subtracting(headings) == [])
    }

    /// The log lines that an article or the README names are written, word for word.
    @Test func logLinesThatAreNamedAreWritten() throws {
        let sources = try Repository.sources().filter { $0.path.contains("/Sources/XKafka") }
            .map { try String(contentsOf: $0, encoding: .utf8) }
            .joined()
        let articles = try FileManager.default.contentsOfDirectory(
            at: Repository.root.appendingPathComponent("Sources/XKafka/XKafka.docc"),
            includingPropertiesForKeys: nil
        )
        let texts = try articles.map { try String(contentsOf: $0, encoding: .utf8) } + [Repository.text("README.md")]
        let lines = Set(texts.joined().matches(of: /`(xkafka [^`]+)`/).map { String($0.1) })
        #expect(lines.count > 20)
        #expect(lines.filter { !sources.contains("\"\($0)") } == [])
    }
}
