"""Other annotation formats, each read into wire frames and written from them; and plain folders.

Words. A *file* is one file of the format; a version knows it by the name of its folder and itself,
and frames by a short key of that name. A *partial* is what the files read say of one picture. What
the format has and ours has not is kept in a *reserved field* named after the format (`_coco`,
`_voc`) of the frame, the ROI or the version's metadata, never in the user's `meta`.

Laws. Export gives back the JSON value that was imported, but for the order of the lists of images
and of annotations. No two pictures get one name. Importing twice changes nothing. What
somebody edited is exported as it is now. What cannot be said in the other format is counted in a
`Report`. A file from outside is read in bounded memory, never followed out of its folder, and what
is wrong with it is one FormatError that names the place.

Nothing here knows a store: frames come in and go out as plain dicts. A folder is the exception,
since what is there decides what a file is: a new frame, one that changed, or one that moved.

Reading order: `coco` (the names that others use), `coco_map` and `coco_standard` (one annotation,
one ROI), `coco_categories`, `coco_read`, `coco_spill`, `jsonstream`; `combine` (laying a partial
into a frame), `pictures` (ids and places of frames); `coco_write`, `coco_choice`, `newpictures`
(names for pictures that came from elsewhere), `target`, `leftover`, `unsaid`; `shapes`, `report`;
`panoptic`, `panoptic_map` (one segment, one ROI), `panoptic_read`, `panoptic_paint`, `legend`
(segments that only a version's legend shows), `panoptic_write`, `staging`; `voc`, `voc_map` (one
object, one ROI), `voc_write`, `voc_masks`, `voc_labelmap`, `xmltree`, `xmltext`; `wirefile` and
`wirewrite` (frames in the wire form); `parquet`, `parquet_rows`; `newmedia`
(pictures inside of other files), `beside` (several files, and what stands beside them), `tarfiles`,
`shardnames`, `webdataset`, `webdataset_read`;
`huggingface`, `hffeatures`, `huggingface_read`; then `folder`, `folderpattern` (what a name says),
`folderwalk` (the files), `folderindex` and `folderfacts` (what is in them), `folderplan` (which
frames they make), `folderside`, `foldermatch` (which frames those are), `folderframes` and
`folderedits`.

Why not the id that COCO gives an image as the frame's id: val and test number theirs apart, and
another format of the same pictures has none. Why not keep each annotation as it came: it would
double every frame, and an edited ROI would contradict it. Why not pycocotools: it reads the whole
file into memory, and needs NumPy. Why not the time and inode of a file in its frame: two machines
would never agree on one. Why not processes to read folders: hashing lets other threads run, and a
script that adds a folder need not be one that can be imported.
"""
