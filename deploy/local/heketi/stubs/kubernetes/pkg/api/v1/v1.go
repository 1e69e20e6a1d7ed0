// Package v1 has what Heketi's code names, and does nothing.
package v1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	ServiceAccountNamespaceKey                                  = "namespace"
	ResourceStorage               ResourceName                  = "storage"
	ReadWriteMany                 PersistentVolumeAccessMode    = "ReadWriteMany"
	PersistentVolumeReclaimRetain PersistentVolumeReclaimPolicy = "Retain"
)

type (
	ResourceName                  string
	PersistentVolumeAccessMode    string
	PersistentVolumeReclaimPolicy string
	ResourceList                  map[ResourceName]resource.Quantity
)

type Secret struct {
	meta.TypeMeta
	meta.ObjectMeta
	Data map[string][]byte
}

type GlusterfsVolumeSource struct{ EndpointsName, Path string }

type PersistentVolumeSpec struct {
	Capacity                      ResourceList
	AccessModes                   []PersistentVolumeAccessMode
	PersistentVolumeReclaimPolicy PersistentVolumeReclaimPolicy
	Glusterfs                     *GlusterfsVolumeSource
}

type PersistentVolume struct {
	meta.TypeMeta
	meta.ObjectMeta
	Spec PersistentVolumeSpec
}

type Container struct{ Name string }

type PodSpec struct {
	NodeName   string
	Containers []Container
}

type Pod struct {
	meta.ObjectMeta
	Spec PodSpec
}

type PodList struct{ Items []Pod }
