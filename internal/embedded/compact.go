package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
)

// compactSlack is how many bytes the compacted topics may grow, beyond double
// their size, before they are compacted at a start.
const compactSlack = 64 << 20

// compactDir compacts the compacted topics of the broker whose files are in
// dir, and which is not running, if they have grown enough.
//
// The broker's own compaction deletes a partition's files before it writes
// the new ones. So second links to the old files are kept meanwhile, and put
// back by the next start if the process dies before it is done.
func compactDir(dir string, slack int64, log zerolog.Logger) error {
	links := filepath.Join(dir, "before-compaction")
	if err := putBack(dir, links); err != nil {
		return fmt.Errorf("undo an interrupted compaction: %w", err)
	}
	partitions, size, err := compactedPartitions(dir)
	if err != nil {
		return fmt.Errorf("find compacted topics: %w", err)
	}
	sizeFile := filepath.Join(dir, "compacted-bytes")
	if size <= 2*readSize(sizeFile)+slack {
		return nil
	}
	if err := linkPartitions(partitions, links); err != nil {
		// Some file systems have no second links. It works without.
		log.Warn().Err(err).Msg("embedded kafka: compacted topics stay as long as they are")
		return remove(links + ".tmp")
	}
	// On a port that nobody knows: what is written now would be lost if the
	// old files were put back.
	c, err := openCluster(dir, log, func(_, _ string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") })
	if err != nil {
		return err
	}
	c.Compact()
	c.Close()
	if err := os.Rename(links, links+".tmp"); err != nil {
		return fmt.Errorf("finish compaction: %w", err)
	}
	_, after, err := compactedPartitions(dir)
	if err != nil {
		return fmt.Errorf("finish compaction: %w", err)
	}
	log.Debug().Int64("bytes_before", size).Int64("bytes_after", after).Msg("embedded kafka: topics compacted")
	return errors.Join(
		os.WriteFile(sizeFile, strconv.AppendInt(nil, after, 10), 0o600),
		remove(links+".tmp"))
}

// putBack replaces partitions by their files from before a compaction that
// did not end. It can itself be interrupted.
func putBack(dir, links string) error {
	if err := remove(links + ".tmp"); err != nil {
		return err
	}
	saved, err := os.ReadDir(links)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range saved {
		partition := filepath.Join(dir, "partitions", p.Name())
		if err := remove(partition); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(links, p.Name()), partition); err != nil {
			return err
		}
	}
	return os.Remove(links)
}

// compactedPartitions lists the directories of the partitions whose topics
// are compacted, and the bytes of their records.
func compactedPartitions(dir string) (partitions []string, size int64, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "topics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var file struct {
		Topics []struct {
			Name    string            `json:"name"`
			Configs map[string]string `json:"configs"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, 0, fmt.Errorf("read topics.json: %w", err)
	}
	for _, t := range file.Topics {
		if !strings.Contains(t.Configs["cleanup.policy"], "compact") {
			continue
		}
		found, err := filepath.Glob(filepath.Join(dir, "partitions", t.Name+"-[0-9]*"))
		if err != nil {
			return nil, 0, err
		}
		partitions = append(partitions, found...)
	}
	for _, p := range partitions {
		segments, err := filepath.Glob(filepath.Join(p, "*.dat"))
		if err != nil {
			return nil, 0, err
		}
		for _, s := range segments {
			info, err := os.Stat(s)
			if err != nil {
				return nil, 0, err
			}
			size += info.Size()
		}
	}
	return partitions, size, nil
}

// linkPartitions makes second links to the partitions' files; links exists
// only when all are made.
func linkPartitions(partitions []string, links string) error {
	tmp := links + ".tmp"
	for _, p := range partitions {
		to := filepath.Join(tmp, filepath.Base(p))
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		files, err := filepath.Glob(filepath.Join(p, "*.[di][ad][tx]")) // .dat and .idx
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.Link(f, filepath.Join(to, filepath.Base(f))); err != nil {
				return err
			}
		}
	}
	return os.Rename(tmp, links)
}

func readSize(file string) int64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0 // never compacted
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
