package config

import "errors"

// Files are the names of files: in YAML one name, or a list of them.
type Files []string

var errFiles = errors.New("a file's name is wanted, or a list of names")

// UnmarshalYAML reads one name or a list of names, none of them empty.
func (f *Files) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	names := []string{}
	if unmarshal(&one) == nil {
		names = append(names, one)
	} else if unmarshal(&names) != nil || len(names) == 0 {
		return errFiles
	}
	for _, name := range names {
		if name == "" {
			return errFiles
		}
	}
	*f = names
	return nil
}
