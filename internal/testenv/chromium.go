package testenv

import (
	"os/exec"
	"testing"
)

// Chromium is the path of a browser for chromedp. As root it wants the flag
// --no-sandbox.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	absent(t, "no Chromium here: run internal/testenv/install.sh or install it by hand")
	return ""
}
