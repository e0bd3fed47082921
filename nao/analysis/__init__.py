"""What an embedding has learned: questions to a fitted model, each a function of arrays.

    run = nao.load("runs/mine")
    tokens, scores = run.history.scored
    points = analysis.vectors(analysis.embed(run.model, tokens))
    analysis.linear_probe(points, scores).r2

Nothing here needs the folder of a search: a `Model` and architectures are enough. What works on arrays alone
can be compiled, differentiated and batched; what asks for graphs, or for strings that mean the same, runs on
the host.

Tokens may be arrays or lists, of whole numbers in whatever type; that they are architectures of the space is
checked. Of no rows, or of one where it takes two, an answer for each row has as many rows, and a number about
all of them is nan, as it is where nothing differs. Only who asks for k of fewer is refused.

- `asking`: E, f and D: embed, predict, decode, sample, neighbours. `ways`: between architectures, and uphill.
- `quality`: of predictions, their spread, and decoded strings.
- `geometry`: distances, dimension, smoothness. `edit_distance`: of graphs. `probes`: readable properties.
- `projection`: pictures. `attribution`: which token counts. `comparing`: two models.
- `given`: what all of them do first with what they are handed.

Axis letters: none.
"""

from nao.analysis.asking import (
    Prediction,
    beam,
    decode,
    embed,
    nearest_known,
    neighbours,
    predict,
    probability_integral_transform,
    reconstruct,
    sample,
    vectors,
)
from nao.analysis.attribution import gradient_times_embedding, leave_one_out
from nao.analysis.comparing import Agreement, compare_models, linear_cka, neighbourhood_overlap
from nao.analysis.edit_distance import edit_distances
from nao.analysis.geometry import (
    cosine,
    distance_correlation,
    distances,
    effective_dimension,
    equivalence_distances,
    gradient,
    gradient_alignment,
    gradient_norms,
    isotropy,
    lipschitz,
    local_lipschitz,
    score_differences,
)
from nao.analysis.probes import LinearProbe, linear_probe, properties
from nao.analysis.projection import PCA, pca, project
from nao.analysis.quality import (
    coverage,
    hamming,
    kendall_tau,
    normal_quantiles,
    novelty,
    pairwise_accuracy,
    pearson,
    ranks,
    reconstruction_accuracy,
    spearman,
    top_k_overlap,
    top_tau,
    uniqueness,
    valid,
)
from nao.analysis.ways import Way, climb, interpolate

__all__ = [
    "PCA",
    "Agreement",
    "LinearProbe",
    "Prediction",
    "Way",
    "beam",
    "climb",
    "compare_models",
    "cosine",
    "coverage",
    "decode",
    "distance_correlation",
    "distances",
    "edit_distances",
    "effective_dimension",
    "embed",
    "equivalence_distances",
    "gradient",
    "gradient_alignment",
    "gradient_norms",
    "gradient_times_embedding",
    "hamming",
    "interpolate",
    "isotropy",
    "kendall_tau",
    "leave_one_out",
    "linear_cka",
    "linear_probe",
    "lipschitz",
    "local_lipschitz",
    "nearest_known",
    "neighbourhood_overlap",
    "neighbours",
    "normal_quantiles",
    "novelty",
    "pairwise_accuracy",
    "pca",
    "pearson",
    "predict",
    "probability_integral_transform",
    "project",
    "properties",
    "ranks",
    "reconstruct",
    "reconstruction_accuracy",
    "sample",
    "score_differences",
    "spearman",
    "top_k_overlap",
    "top_tau",
    "uniqueness",
    "valid",
    "vectors",
]
