package scoring

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/goccy/go-yaml/ast"
)

// fingerprint tells whether two files of the same name and version say the
// same, whatever their comments: 32 hexadecimal digits.
func fingerprint(body ast.Node) string {
	sum := sha256.Sum256([]byte(body.String()))
	return hex.EncodeToString(sum[:16])
}

// Fingerprint is the same for files that say the same, comments aside. A
// version that has run is never edited: see ID.
func (c *Criteria) Fingerprint() string { return c.fingerprint }
