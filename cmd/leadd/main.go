// Command leadd turns the mail and web forms a company receives into
// qualified leads. See README.md for what it does and ARCHITECTURE.md for how.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"leadd/internal/embedded"
)

func main() {
	embedded.ChildIfAsked()
	os.Exit(run(os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// A command is one of leadd's subcommands.
type command struct {
	name, arguments, help string
	run                   func(terminal, []string) error
}

func commands() []command {
	return []command{
		{"serve", "-c FILE", "run the daemon", serve},
		{"check", "-c FILE", "validate configuration, criteria and lexicons", check},
		{"score", "[-c FILE] [--criteria FILE] [--lexicons DIR] INPUT...", "score .eml files or JSON lines, without servers", score},
		{"import", "-c FILE [--source NAME] FILE...", "take in .eml, mbox, Maildir, CSV and JSON lines", importFiles},
		{"criteria", "explain|test ...", "say what criteria mean, and try them on scenarios", criteria},
		{"replay", "-c FILE [--list] [ID...]", "take dead letters in again", replay},
		{"demo", "", "run the daemon with a sample inbox and sample contacts", demo},
		{"version", "", "say which version this is", printVersion},
	}
}

// errUsage marks mistakes in the command line itself, and in scenarios that it
// names; what was wrong has been said.
var errUsage = errors.New("usage")

// errSaid marks failures of which everything has been said.
var errSaid = errors.New("said")

// run executes the command line and gives the exit code: 0 well, 1 failed, 2
// the command line, or a scenario, was not understood.
func run(args []string, t terminal) int {
	if len(args) == 0 {
		usage(t.err)
		return 2
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(t.out)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(t, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		case !errors.Is(err, errSaid):
			_, _ = fmt.Fprintln(t.err, "leadd:", err)
		}
		return 1
	}
	_, _ = fmt.Fprintf(t.err, "leadd: there is no command %q\n\n", args[0])
	usage(t.err)
	return 2
}

func usage(w io.Writer) {
	_, _ = fmt.Fprint(w, "leadd turns mail and web forms into qualified leads.\n\n")
	for _, c := range commands() {
		line := c.name + " " + c.arguments
		if len(line) > 36 {
			line += "\n" + strings.Repeat(" ", len("  leadd ")+36)
			_, _ = fmt.Fprintf(w, "  leadd %s %s\n", line, c.help)
			continue
		}
		_, _ = fmt.Fprintf(w, "  leadd %-36s %s\n", line, c.help)
	}
	_, _ = fmt.Fprint(w, "\nleadd COMMAND -h lists a command's flags.\n")
}

// flagUsage says what a command takes.
func flagUsage(w io.Writer, flags *flag.FlagSet) {
	for _, c := range commands() {
		if c.name == flags.Name() {
			_, _ = fmt.Fprintf(w, "leadd %s %s: %s\n", c.name, c.arguments, c.help)
		}
	}
	if strings.HasPrefix(flags.Name(), "criteria ") {
		_, _ = fmt.Fprint(w, criteriaUsage)
	}
	flags.PrintDefaults()
}

// parseFlags reads a command's flags; args must not be left over where none
// are wanted.
func parseFlags(t terminal, flags *flag.FlagSet, args []string, wantArgs bool) error {
	flags.SetOutput(t.err)
	flags.Usage = func() { flagUsage(t.err, flags) }
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if !wantArgs && flags.NArg() > 0 {
		_, _ = fmt.Fprintf(t.err, "leadd %s takes no argument %q\n", flags.Name(), flags.Arg(0))
		return errUsage
	}
	return nil
}
