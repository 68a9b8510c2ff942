// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/regproof/regproof/finding"
	"github.com/regproof/regproof/report"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// outputFlags say where reports go and how the terminal looks.
type outputFlags struct {
	formats  []string
	color    string
	severity string
	verbose  bool
	quiet    bool
}

func (o *outputFlags) add(fl *pflag.FlagSet) {
	fl.StringArrayVarP(&o.formats, "output", "o", nil, "FORMAT[=PATH]: text, json; repeatable (default text)")
	fl.StringVar(&o.color, "color", "auto", "auto, always, never; NO_COLOR wins")
	fl.StringVar(&o.severity, "severity", "low", "failures to show on the terminal from this severity on; files are complete")
	fl.BoolVarP(&o.verbose, "verbose", "v", false, "show passes too")
	fl.BoolVarP(&o.quiet, "quiet", "q", false, "no progress on stderr")
}

// output is one report to write; path "" is stdout.
type output struct{ format, path string }

func (o *outputFlags) parse() ([]output, error) {
	if _, err := severity(o.severity); err != nil || o.severity == string(finding.None) {
		return nil, fmt.Errorf("--severity %q: expected low, medium, high or critical", o.severity)
	}
	switch o.color {
	case "auto", "always", "never":
	default:
		return nil, fmt.Errorf("--color %q: expected auto, always or never", o.color)
	}
	var out []output
	stdout := 0
	for _, f := range o.formats {
		format, path, named := strings.Cut(f, "=")
		switch {
		case format != "text" && format != "json":
			return nil, fmt.Errorf("-o %q: expected text or json, with =PATH for a file", f)
		case named && path == "":
			return nil, fmt.Errorf("-o %q: the path is missing", f)
		case path == "":
			stdout++
		default:
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				return nil, fmt.Errorf("-o %q: %s is a folder, name a file in it", f, path)
			}
			if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
				return nil, fmt.Errorf("-o %q: there is no folder %s", f, filepath.Dir(path))
			}
		}
		out = append(out, output{format, path})
	}
	if stdout > 1 {
		return nil, fmt.Errorf("two formats for stdout: give one of them a file, like -o json=report.json")
	}
	if stdout == 0 {
		out = append(out, output{format: "text"})
	}
	return out, nil
}

// write makes all reports. A file is complete and readable by its owner alone.
func write(cmd *cobra.Command, r *report.Report, outputs []output, o outputFlags) error {
	for _, out := range outputs {
		if err := writeOne(cmd.OutOrStdout(), r, out, o); err != nil {
			return fmt.Errorf("report %s: %w", out.path, err)
		}
	}
	return nil
}

func writeOne(stdout io.Writer, r *report.Report, out output, o outputFlags) error {
	w := stdout
	options := report.TextOptions{Style: report.Style{Color: colored(o.color, stdout)}, Severity: finding.Severity(o.severity), Verbose: o.verbose}
	if out.path != "" {
		f, err := os.OpenFile(out.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		w, options = f, report.TextOptions{Verbose: true, All: true}
	}
	if out.format == "json" {
		return report.JSON(w, r)
	}
	return report.Text(w, r, options)
}

// colored decides on colour: NO_COLOR beats --color beats CLICOLOR_FORCE.
func colored(flag string, w io.Writer) bool {
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case flag != "auto":
		return flag == "always"
	}
	if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return terminal(w) && os.Getenv("TERM") != "dumb"
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
