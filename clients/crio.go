// SPDX-License-Identifier: Apache-2.0

package clients

// readCrio reads crio.image.insecure_registries of CRI-O; for all else CRI-O
// reads the files of podman.
func readCrio(r *reader, host string) {
	const main = "/etc/crio/crio.conf"
	var items []setting
	at := main
	for _, file := range append([]string{main}, r.confs(main+".d")...) {
		data, ok := r.file(file)
		if !ok {
			continue
		}
		root, err := parseTOML(data)
		if err != nil {
			r.refused(file, err, "CRI-O does not start with it")
			continue
		}
		image := root.get("crio", "image")
		if image == nil {
			continue
		}
		f := &form{table: image}
		list, n := f.list("insecure_registries")
		if f.fault != nil {
			r.refused(file, f.fault, "CRI-O does not start with it")
		}
		if n == nil {
			continue
		}
		items, at = nil, file // a later file replaces the list
		for _, i := range list {
			items = append(items, setting{i.text, i.line})
		}
	}
	l := r.insecureList("cri-o", at, "insecure_registries", items)
	if host != "" {
		l.verify(host, host)
		return
	}
	l.networks()
	for _, h := range sorted(l.hosts) {
		l.verify(h, h)
	}
}
