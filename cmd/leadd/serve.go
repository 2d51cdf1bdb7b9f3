package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"leadd/config"
)

func serve(t terminal, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	file := flags.String("c", "leadd.yaml", "configuration `FILE`")
	listen := flags.String("listen", "", "serve on `ADDR` (host:port) instead of the file's listen")
	data := flags.String("data", "", "keep data in `DIR` instead of the file's data")
	run := roles{true, true, true, true}
	flags.Var(&run, "roles", "stages to run in this process, a comma-separated `LIST`")
	if err := parseFlags(t, flags, args, false); err != nil {
		return err
	}
	cfg, err := config.Load(*file)
	if err != nil {
		return err
	}
	if *listen != "" {
		if err := config.CheckListen(*listen, cfg.Auth); err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		cfg.Listen = *listen
	}
	if *data != "" {
		cfg.Data = *data
	}
	ctx, stop := stopSignal()
	defer stop()
	d, err := newDaemon(cfg, run, *file, newLogger(t.err, cfg.Log))
	if err != nil {
		return err
	}
	d.whenReady = func(context.Context) { d.greet(t.out) }
	return d.run(ctx)
}

// stopSignal gives a context that ends when the process is asked to stop. A
// second Ctrl-C ends it at once.
func stopSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// newLogger logs readably on a terminal and as JSON elsewhere.
func newLogger(w io.Writer, level string) zerolog.Logger {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	l, err := zerolog.ParseLevel(level)
	if err != nil {
		l = zerolog.InfoLevel // config.Load has refused it
	}
	return zerolog.New(zerolog.SyncWriter(w)).Level(l).With().Timestamp().Logger()
}
