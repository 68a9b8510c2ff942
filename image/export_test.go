// SPDX-License-Identifier: Apache-2.0

package image

// MaxBlobsForTest is how many configs and layers are read.
const MaxBlobsForTest = maxBlobs
