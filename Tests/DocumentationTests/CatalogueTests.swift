import Testing

/// The first page of each documented module leads to everything in it.
@Suite struct CatalogueTests {
    @Test func everyPublicTypeIsListed() throws {
        var seen = 0
        for module in try Repository.documentedModules() {
            let page = try Repository.text("Sources/\(module)/\(module).docc/\(module).md")
            for (file, text) in try Repository.texts(of: module) {
                let types = text.matches(
                    of: /^public (?:final |indirect )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
                        .anchorsMatchLineEndings()
                )
                seen += types.count
                for type in types { #expect(page.contains("``\(type.1)``"), "\(file), in \(module).md") }
            }
        }
        #expect(seen > 80)
    }
}
