// Package v1 has what Heketi's code names, and does nothing.
package v1

type TypeMeta struct{ Kind, APIVersion string }

type ObjectMeta struct {
	Name, Namespace string
	Annotations     map[string]string
}

type ListOptions struct{ LabelSelector string }

type GetOptions struct{}
