package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"leadd/ingest"
	"leadd/ingest/mail"
	"leadd/lead"
	"leadd/scoring"
	"leadd/scoring/evidence"
	"leadd/scoring/scenario"
)

const criteriaUsage = `leadd criteria says what a criteria file means, and tries it.

  leadd criteria explain [FILE]
      write its rules as plain sentences
  leadd criteria test DIR... [--criteria FILE]... [--lexicons DIR]
      run the scenarios in DIR, files *.txt

Without a FILE they are the built-in criteria; of several products, give test
--criteria for each. Without --lexicons the built-in words alone are understood.
Of test, exit code 1 says that something was not as expected, 2 that a file
could not be read.
`

func criteria(t terminal, args []string) error {
	if len(args) == 0 {
		_, _ = fmt.Fprint(t.err, criteriaUsage)
		return errUsage
	}
	switch args[0] {
	case "explain":
		return explain(t, args[1:])
	case "test":
		return testCriteria(t, args[1:])
	case "help", "-h", "--help":
		_, err := fmt.Fprint(t.out, criteriaUsage)
		return err
	}
	_, _ = fmt.Fprintf(t.err, "leadd criteria: there is no %q%s\n\n%s", args[0], scoring.Suggest(args[0], []string{"explain", "test"}), criteriaUsage)
	return errUsage
}

func explain(t terminal, args []string) error {
	flags := flag.NewFlagSet("criteria explain", flag.ContinueOnError)
	if err := parseFlags(t, flags, args, true); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		_, _ = fmt.Fprintln(t.err, "leadd criteria explain: name one criteria file, or none for the built-in criteria")
		return errUsage
	}
	c, err := criteriaOr(flags.Arg(0))
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(t.out, c.Explain())
	return err
}

func testCriteria(t terminal, args []string) error {
	flags := flag.NewFlagSet("criteria test", flag.ContinueOnError)
	var names, products []string
	flags.Func("criteria", "criteria `FILE` instead of the built-in criteria; again for each further product", func(file string) error {
		products = append(products, file)
		return nil
	})
	lexicons := flags.String("lexicons", "", "`DIR` of lexicons beside the built-in ones")
	for { // flags may stand behind the folders too
		if err := parseFlags(t, flags, args, true); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			break
		}
		names, args = append(names, flags.Arg(0)), flags.Args()[1:]
	}
	if len(names) == 0 {
		_, _ = fmt.Fprintln(t.err, "leadd criteria test: name a folder of scenarios, such as scoring/scenarios, or a file")
		return errUsage
	}
	scripts, criteria, err := readScripts(names, products)
	if err != nil {
		_, _ = fmt.Fprintln(t.err, err)
		return errUsage
	}
	parts, err := scenarioParts(*lexicons)
	if err != nil {
		_, _ = fmt.Fprintln(t.err, err)
		return errUsage
	}
	return runScripts(t, scripts, scenario.NewRunner(parts, criteria...))
}

// readScripts reads all scripts that are named; its error has all mistakes.
func readScripts(names, products []string) (scripts []*scenario.Script, criteria []*scoring.Criteria, err error) {
	if criteria, err = scoring.LoadAll(products); err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, name := range names {
		files, err := scriptFiles(name)
		errs = append(errs, err)
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				errs = append(errs, fmt.Errorf("read scenarios: %w", err))
				continue
			}
			script, err := scenario.Parse(file, src, criteria...)
			errs = append(errs, err)
			scripts = append(scripts, script)
		}
	}
	return scripts, criteria, errors.Join(errs...)
}

// scriptFiles lists a folder's scripts, those of its folders too; a file is
// one itself.
func scriptFiles(name string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (path == name || filepath.Ext(path) == ".txt") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no scenarios in %s: they are files that end in .txt", name)
	}
	slices.Sort(files)
	return files, nil
}

func runScripts(t terminal, scripts []*scenario.Script, runner *scenario.Runner) error {
	all, failed := 0, 0
	for _, script := range scripts {
		for _, s := range script.Scenarios {
			result := runner.Run(s)
			all++
			if !result.OK() {
				failed++
			}
			if err := result.Write(t.out); err != nil {
				return err
			}
		}
	}
	if _, err := fmt.Fprintf(t.out, "scenarios: %d, not as expected: %d\n", all, failed); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if failed > 0 {
		return errSaid
	}
	return nil
}

// scenarioParts are the daemon's own parts, so that a scenario shows what the
// daemon would do; lexicons are a directory's beside the built-in ones.
func scenarioParts(lexicons string) (scenario.Parts, error) {
	id, err := ingest.NewIdentity(ingest.IdentityConfig{OwnDomains: []string{scenario.OwnDomain}})
	if err != nil {
		return scenario.Parts{}, err
	}
	extractor, err := evidence.NewFrom(lexicons)
	if err != nil {
		return scenario.Parts{}, err
	}
	return scenario.Parts{
		Mail:    mail.NewReader(id).Contact,
		Extract: extractor.Extract,
		Post: func(c *lead.Contact, fields []lead.Field, event bool) {
			posted := ingest.FormContact(fields, nil)
			if event {
				ingest.MarkEvent(&posted)
			}
			posted.ID, posted.RepeatAfter, posted.Source, posted.At, posted.Received = c.ID, c.RepeatAfter, c.Source, c.At, c.Received
			id.Complete(&posted)
			*c = posted
		},
	}, nil
}

// criteriaOr reads the file that is named, or gives the built-in criteria.
func criteriaOr(file string) (*scoring.Criteria, error) {
	if file == "" {
		return scoring.Default(), nil
	}
	return scoring.Load(file)
}
