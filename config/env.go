// SPDX-License-Identifier: Apache-2.0

package config

const envHint = "the names of environment variables stand here, never the secrets themselves"

// decode takes the two forms of env: [USER_VAR, PASSWORD_VAR] and {token: VAR}. What is not the name of a variable may
// be the secret itself, so it is neither repeated nor shown.
func (e *Env) decode(d *decoder, n *node, label string) bool {
	switch {
	case n.kind == kindList && len(n.items) == 2:
		user, okUser := d.variable(n.items[0])
		password, okPassword := d.variable(n.items[1])
		e.User, e.Password = user, password
		return okUser && okPassword
	case n.kind == kindMapping && len(n.pairs) == 1 && n.pairs[0].key == "token":
		token, ok := d.variable(n.pairs[0].value)
		e.Token = token
		return ok
	}
	d.hide(n)
	d.add(n.at, envHint, "%s must be [USER_VARIABLE, PASSWORD_VARIABLE] or {token: VARIABLE}", label)
	return false
}

func (d *decoder) variable(n *node) (string, bool) {
	if n.kind == kindText && variableShape.MatchString(n.text) {
		return n.text, true
	}
	d.hide(n)
	d.add(n.at, envHint, "env: not the name of an environment variable")
	return "", false
}

func (r *Requirement) decode(d *decoder, n *node, label string) bool {
	id, ok := d.text(n, label)
	*r = Requirement{ID: id, Pos: n.at}
	return ok
}
