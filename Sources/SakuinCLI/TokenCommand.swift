// token new: makes a token, and the line by which a server knows it.

import ArgumentParser
import SakuinAccess
import SakuinClient

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens, which say who may connect.", subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and the line for the file that 'sakuind --tokens' reads.",
            discussion: """
                The token is a secret: keep it in a file of its own that only its user can read, and name that with
                --token-file. The line holds its hash; the server needs no more, and nobody can show it again.
                """)
        @Option(help: "What its bearer may do: reader, writer or admin.") var role: String
        @Option(help: "Who it is for, for readers of the file: letters, digits and -_.@ characters.") var name = ""
        /// Of these `--json` alone means something here: the root has it, and keeps it from any other flag of that name.
        @OptionGroup var options: ServerOptions

        func run() throws {
            let output = Output(json: options.json)
            do {
                guard let role = AccessRole(rawValue: role) else {
                    throw SakuinError.invalid("--role is reader, writer or admin.", field: "role", value: role)
                }
                let token = try AccessToken.fresh()
                let line = try TokenFile.Entry(role, token, name: name).line
                if output.json {
                    output.object([("token", .string(token.text)), ("line", .string(line))])
                } else {
                    output.line("token: \(token.text)")
                    output.line("line:  \(line)")
                }
            } catch let error as SakuinError {
                output.fail(error)
                throw ExitCode(2)
            }
        }
    }
}
