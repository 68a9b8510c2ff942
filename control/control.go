// SPDX-License-Identifier: Apache-2.0

// Package control is the catalogue of what a registry should hold: each control
// a sentence that is true when all is well, with the clauses that ask for it.
// It refuses to cite a clause that was not checked against its source.
package control

import "slices"

// Control is one sentence, and what stands behind it.
type Control struct {
	ID    string
	Title string
	// Clauses that ask for it. Every one was compared with its source.
	Clauses []Clause
	// Entries of the failure catalogue (reference/failures.yaml) that it covers.
	Entries []string
}

// Clause is a place in a framework.
type Clause struct{ Framework, ID, Title string }

// The frameworks, with the edition that is cited.
const (
	SP800190 = "NIST SP 800-190"
	CSF2     = "NIST CSF 2.0"
	NHI      = "OWASP NHI Top 10 2025"
	PCI      = "PCI DSS 4.0.1"
	CCM      = "CSA CCM 4"
)

// The clauses that controls cite, each named once.
var (
	authRisk       = Clause{SP800190, "3.2.3", "insufficient authentication and authorization restrictions"}
	authMeasure    = Clause{SP800190, "4.2.3", "registry authentication and authorization"}
	authenticated  = Clause{CSF2, "PR.AA-03", "users, services and hardware are authenticated"}
	leastPrivilege = Clause{CSF2, "PR.AA-05", "access permissions incorporate least privilege"}
	insecureAuth   = Clause{NHI, "NHI4:2025", "Insecure Authentication"}
	cloudConfig    = Clause{NHI, "NHI6:2025", "Insecure Cloud Deployment Configurations"}
	accessModel    = Clause{PCI, "7.2.1", "an access control model is defined"}
	denyAll        = Clause{PCI, "7.3.3", "access control systems deny all by default"}
	ccmLeast       = Clause{CCM, "IAM-05", "Least Privilege"}
	ccmStrong      = Clause{CCM, "IAM-14", "Strong Authentication"}
	connection     = Clause{SP800190, "3.2.1", "insecure connections to registries"}
	encrypted      = Clause{SP800190, "4.2.1", "connections over encrypted channels to trusted endpoints"}
	staleRisk      = Clause{SP800190, "3.2.2", "stale images in registries"}
	inTransit      = Clause{CSF2, "PR.DS-02", "data in transit is protected"}
	maintained     = Clause{CSF2, "PR.PS-02", "software is maintained, replaced and removed"}
	secretLeakage  = Clause{NHI, "NHI2:2025", "Secret Leakage"}
	ccmPasswords   = Clause{CCM, "IAM-15", "Passwords Management"}
	managed        = Clause{CSF2, "PR.AA-01", "identities and credentials are managed"}
	bound          = Clause{CSF2, "PR.AA-02", "identities are bound to credentials"}
	assertions     = Clause{CSF2, "PR.AA-04", "identity assertions are protected, conveyed and verified"}
	integrity      = Clause{CSF2, "PR.DS-01", "data at rest is protected"}
	offboarding    = Clause{NHI, "NHI1:2025", "Improper Offboarding"}
	overprivileged = Clause{NHI, "NHI5:2025", "Overprivileged NHI"}
	longLived      = Clause{NHI, "NHI7:2025", "Long-Lived Secrets"}
	revocation     = Clause{CCM, "IAM-07", "User Access Changes and Revocation"}
)

// read is what every control about reading without credentials cites.
var read = []Clause{authRisk, authMeasure, authenticated, leastPrivilege, insecureAuth, accessModel, denyAll, ccmStrong}

// list is what controls about listings cite.
var list = []Clause{authRisk, authMeasure, leastPrivilege, cloudConfig, denyAll, ccmLeast}

// door is what controls about ways in that nobody meant to be there cite.
var door = []Clause{authRisk, authMeasure, leastPrivilege, cloudConfig, denyAll}

// All lists the catalogue, family by family.
func All() []Control {
	return slices.Concat(anonymous(), ingress(), transport(), token(), authz(), cache(), immutability(), exposure())
}

// Get finds a control by its id.
func Get(id string) (Control, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Control) bool { return c.ID == id })
	if i < 0 {
		return Control{}, false
	}
	return all[i], true
}

// Correction says what is wrong with a clause that others cite, "" if nothing
// is known to be.
func Correction(framework, id string) string {
	return corrections[framework+" "+id]
}

// corrections are citations that stand in widely used sources and are wrong.
var corrections = map[string]string{
	"NIST CSF PR.AC-1": "PR.AC-1 is of CSF 1.1; in CSF 2.0 it is PR.AA-01, PR.AA-03 and PR.AA-05",
	"NIST CSF PR.DS-5": "PR.DS-5 is of CSF 1.1; in CSF 2.0 it is PR.DS-01, PR.DS-02 and PR.DS-10",
	"MAESTRO IAM-02":   "MAESTRO has layers and no numbered controls; IAM-02 is of the CSA Cloud Controls Matrix (Strong Password Policy and Procedures)",
	"OWASP NHI NHI-01": "NHI1:2025 is Improper Offboarding; for registry access the nearest are NHI4 and NHI5",
	"OWASP NHI NHI1":   "NHI1:2025 is Improper Offboarding; for registry access the nearest are NHI4 and NHI5",
}
