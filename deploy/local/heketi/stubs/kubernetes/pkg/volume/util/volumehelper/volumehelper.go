// Package volumehelper has what Heketi's code names, and does nothing.
package volumehelper

const VolumeGidAnnotationKey = "pv.beta.kubernetes.io/gid"
