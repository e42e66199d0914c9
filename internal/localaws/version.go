package localaws

import "runtime/debug"

// Version tells which build this is: the module's version, or "devel", with the
// commit where the build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && version == "devel" {
			version += "-" + setting.Value
		}
	}
	return version
}
